#!/usr/bin/env python3
"""Real keystrokes through real devices: `./dev replay` ends with exactly the recorded text."""
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile

from harness import BINARY, ROOT, Skipped, check, equal, main

TRACES = ROOT.parent / "shared/data/traces"
REPLAY = ROOT / "tools/replay.py"


def replay(path, *words):
    running = subprocess.Popen([sys.executable, str(REPLAY), str(path), "--json", *words], stdout=subprocess.PIPE, text=True)
    try:
        out, _ = running.communicate(timeout=240)
    finally:
        running.terminate()  # Not kill: it has devices to stop.
        running.wait()
    lines = out.strip().splitlines()
    check(lines, f"no result of {path}")
    return running.returncode, json.loads(lines[-1])


def recorded(name, devices):
    path = TRACES / f"{name}.json.gz"
    if not path.exists():
        raise Skipped("no ../shared")
    with gzip.open(path) as data:
        trace = json.load(data)
    code, result = replay(path, "--devices", str(devices))
    equal(result["edits"], sum(len(each["patches"]) for each in trace["txns"]), "edits")
    equal(result["sha256"], hashlib.sha256(trace["endContent"].encode()).hexdigest(), f"{name} over {devices} devices")
    equal((code, result["ok"]), (0, True), "exit code and ok")


def json_crdt_patch_over_three_devices():
    recorded("json-crdt-patch", 3)


def rustcode_over_two_devices():
    recorded("rustcode", 2)


def automerge_paper_over_three_devices():
    recorded("automerge-paper", 3)


def two_typists_at_once_end_in_exactly_their_text():
    for devices in (2, 3):
        recorded("friendsforever", devices)


def hundreds_of_typists_end_equal_on_all_devices():
    path = TRACES / "git-makefile.json.gz"
    if not path.exists():
        raise Skipped("no ../shared")
    with gzip.open(path) as data:
        edits = sum(len(each["patches"]) for each in json.load(data)["txns"])
    code, result = replay(path, "--devices", "3")
    equal((code, result["ok"], result["edits"]), (0, True, edits), "exit code, ok, edits")


def concurrent(first, second, end):
    """Two typists on "ab", each without the other's change; the first goes on when it has both."""
    return {"kind": "concurrent", "numAgents": 2, "endContent": end, "txns": [
        {"parents": [], "agent": 0, "patches": [[0, 0, "ab"]]},
        {"parents": [0], "agent": 0, "patches": first},
        {"parents": [0], "agent": 1, "patches": second},
        {"parents": [1, 2], "agent": 0, "patches": [[0, 0, "!"]]}]}


def each_types_on_the_version_it_had():
    # Both positions are those in "ab": whoever applied them to the other's text would be one off.
    for first, second, end in (([[0, 1, ""]], [[2, 0, "c"]], "!bc"), ([[1, 0, "é🙂"]], [[1, 1, ""]], "!aé🙂")):
        trace = concurrent(first, second, end)
        with tempfile.NamedTemporaryFile(suffix=".json.gz") as file:
            file.write(gzip.compress(json.dumps(trace).encode()))
            file.flush()
            for devices in (1, 2, 3):
                code, result = replay(file.name, "--devices", str(devices))
                equal((code, result["ok"], result["edits"]), (0, True, 4), "exit code, ok, edits")
                equal(result["sha256"], hashlib.sha256(end.encode()).hexdigest(), f"over {devices} devices")


def a_wrong_end_is_noticed():
    trace = {"startContent": "héllo", "endContent": "not this", "txns": [{"patches": [[0, 1, "j"]]}, {"patches": [[5, 0, "🙂"]]}]}
    with tempfile.NamedTemporaryFile(suffix=".json.gz") as file:
        file.write(gzip.compress(json.dumps(trace).encode()))
        file.flush()
        code, result = replay(file.name, "--devices", "1")
        equal((code, result["ok"], result["edits"]), (1, False, 2), "a replay that ends otherwise")
        equal(result["sha256"], hashlib.sha256("jéllo🙂".encode()).hexdigest(), "the hash of what came out")


def broken_traces_are_refused():
    for content in (b"", b"garbage", gzip.compress(b"{"), gzip.compress(b"{}"), gzip.compress(b'{"txns":[]}')[:-9]):
        with tempfile.NamedTemporaryFile(suffix=".json.gz") as file:
            file.write(content)
            file.flush()
            done = subprocess.run([sys.executable, str(REPLAY), file.name], capture_output=True, text=True, timeout=60)
            check(done.returncode == 3 and "Traceback" not in done.stderr, f"{content[:20]}: exit {done.returncode}", done.stderr)


if __name__ == "__main__":
    check(BINARY is not None, "no program")
    sys.exit(main(json_crdt_patch_over_three_devices, rustcode_over_two_devices, automerge_paper_over_three_devices,
                  two_typists_at_once_end_in_exactly_their_text, hundreds_of_typists_end_equal_on_all_devices,
                  each_types_on_the_version_it_had, a_wrong_end_is_noticed, broken_traces_are_refused, watchdog_s=900))
