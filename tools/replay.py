#!/usr/bin/env python3
"""A recorded editing session through real devices: started, paired and synchronised as a person's are.

usage: replay.py TRACE [--devices N] [--json]

TRACE is a gzipped JSON file: {startContent?, endContent, numAgents?, txns: [{parents?, agent?, patches:
[[position, deleted, inserted]]}]}; positions count code points.

A sequential trace is dealt in turn over processes: a device has the whole text before it makes its share of the edits.
In a concurrent trace agent A types on device A mod N. There the devices share one process, so that each can be held at
exactly the version that a transaction was typed on; they are whole devices all the same, with stores on disk, paired,
exchanging their frames. Where more agents type at once than there are devices, their positions are carried over to the
text that all devices have by then, as an editor's page does, and that is said. Ends with a line {"ok","edits","sha256","cpu_ms"}: whether all
devices hold the same text (of a sequential trace, exactly the recorded end), how many edits, the text's hash, and the
processor time of all devices together.
"""
import argparse
import gzip
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from devices import BINARY, Device, DeviceError, pair, wait_for  # noqa: E402

CHANGES_A_CALL = 2000  # One HTTP request's worth: far below its limit, and little to repeat.
PODS = BINARY.parent / "rhizome-replay"  # Whole devices in one process (tests/replay).
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def load(path):
    data = gzip.open(path) if str(path).endswith(".gz") else open(path, "rb")
    with data:
        trace = json.load(data)
    if not isinstance(trace.get("txns"), list) or not isinstance(trace.get("endContent"), str):
        raise ValueError("it has no txns or no endContent")
    return trace


def is_concurrent(trace):
    return trace.get("kind") == "concurrent" or trace.get("numAgents", 1) > 1 or any("parents" in each for each in trace["txns"][:2])


def transactions(trace):
    """The trace as tests/replay/replay_pods.cc reads it."""
    yield f"{len(trace['txns'])}\n".encode()
    for number, txn in enumerate(trace["txns"]):
        parents = txn.get("parents", [number - 1] if number else [])
        words = [txn.get("agent", 0), len(parents), *parents, len(txn["patches"])]
        yield (" ".join(map(str, words)) + "\n").encode()
        for position, deleted, inserted in txn["patches"]:
            text = inserted.encode()
            yield f"{position} {deleted} {len(text)}\n".encode() + text + b"\n"


def replay_concurrent(trace, count, folder, tell):
    """Whole devices in one process, so that each can be held at the version that a transaction was typed on."""
    if trace.get("startContent"):
        raise DeviceError("a concurrent trace with a startContent can't be replayed")
    folder.mkdir(parents=True)
    done = subprocess.run([str(PODS), str(count), str(folder)], input=b"".join(transactions(trace)), stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise DeviceError(f"the devices gave up: exit {done.returncode}")
    result = json.loads(done.stdout.splitlines()[-1])
    wanted, hashes = hashlib.sha256(trace["endContent"].encode()).hexdigest(), result["sha256"]
    is_end = hashes[0] == wanted
    tell("each device at exactly the version that was typed on" if result["exact"] else
         f"more typists at once than {count} devices: positions are carried over to the text that all have by then")
    tell("the recorded end" if is_end else "not the recorded end (of concurrent edits at one place it depends on the algorithm)")
    return {"ok": len(set(hashes)) == 1, "edits": result["edits"], "sha256": hashes[0], "cpu_ms": result["cpu_ms"]}


def sequential_shares(trace, count):
    for number, txn in enumerate(trace["txns"]):
        yield number // CHANGES_A_CALL % count, txn["patches"], len(txn["patches"])


def calls(shares):
    """Neighbouring shares of one device become one call."""
    device, changes, edits = None, [], 0
    for owner, more, count in shares:
        if changes and (owner != device or len(changes) + len(more) > 2 * CHANGES_A_CALL):
            yield device, changes, edits
            changes, edits = [], 0
        device, edits = owner, edits + count
        changes.extend(more)
    if edits:
        yield device, changes, edits


def processor_ms(devices):
    total = 0
    for device in devices:
        fields = pathlib.Path(f"/proc/{device.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total * 1000 // TICKS_A_SECOND


def replay(trace, devices, tell):
    document = devices[0].post("/api/documents?wait=local", {"title": "Replayed", "text": trace.get("startContent", "")})["id"]
    for device in devices[1:]:
        wait_for("the document everywhere", lambda each=device: each.text(document) == trace.get("startContent", ""))
    began, edits, last, shown = processor_ms(devices), 0, None, time.monotonic()
    for number, changes, count in calls(sequential_shares(trace, len(devices))):
        device = devices[number]
        if last not in (None, device):
            # Its closed event, not only its provisional tail, on which nobody builds.
            heads = last.status()["frontier"][document]
            wait_for(f"{device.name} to have the text", lambda: device.status()["frontier"].get(document) == heads,
                     every=0.002)
        device.edit(document, changes, "visible" if len(devices) == 1 else "local")
        edits, last = edits + count, device
        if time.monotonic() > shown + 1:
            shown = time.monotonic()
            tell(f"{edits} edits")
    text = last.text(document) if last else trace.get("startContent", "")
    same = True
    for device in devices:
        try:
            wait_for("equal texts", lambda each=device: each.text(document) == text, timeout=60)
        except DeviceError as error:
            same = False
            tell(str(error)[:300])
    exact = text == trace["endContent"]
    tell("the recorded end" if exact else "not the recorded end")
    return {"ok": same and exact, "edits": edits,
            "sha256": hashlib.sha256(text.encode()).hexdigest(), "cpu_ms": processor_ms(devices) - began}


def main():
    parser = argparse.ArgumentParser(prog="./dev replay", description="A recorded editing session through real devices.")
    parser.add_argument("trace", metavar="TRACE", help="a gzipped trace, as ../shared/data/traces holds them")
    parser.add_argument("--devices", type=int, choices=(1, 2, 3), default=3, help="how many (default: 3)")
    parser.add_argument("--json", action="store_true", help="only the last line, in JSON")
    options = parser.parse_args()
    try:
        trace = load(options.trace)
    except (OSError, ValueError, EOFError) as error:
        print(f"dev replay: {options.trace}: {error}", file=sys.stderr)
        return 3
    if not BINARY.exists():
        print(f"dev replay: there is no {BINARY}: ./dev build", file=sys.stderr)
        return 1

    def tell(text):
        if not options.json:
            print(text, file=sys.stderr, flush=True)

    def ended(*_):
        raise SystemExit(1)

    signal.signal(signal.SIGTERM, ended)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rhizome-replay-"))
    if is_concurrent(trace):
        devices = []
    else:
        devices = [Device(name, folder / name) for name in ("laptop", "phone", "tablet")[:options.devices]]
    try:
        if not devices:
            result = replay_concurrent(trace, options.devices, folder / "pods", tell)
            print(json.dumps(result))
            return 0 if result["ok"] else 1
        devices[0].init()
        devices[0].start()
        for device in devices[1:]:
            pair(devices[0], device)
            device.start()
        if len(devices) == 3:
            wait_for("three voters", lambda: devices[0].status()["quorum"]["voters"] == 3, timeout=60)
        result = replay(trace, devices, tell)
        print(json.dumps(result))
        return 0 if result["ok"] else 1
    except DeviceError as error:
        print(f"dev replay: {error}", file=sys.stderr)
        return 1
    finally:
        for device in devices:
            device.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
