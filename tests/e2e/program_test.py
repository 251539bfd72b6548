#!/usr/bin/env python3
"""The program and its daemon as a whole: settings and where they come from, the log and what must not be in it, metrics,
odd input, and an end within a second."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from harness import BINARY, Device, PodFolder, check, equal, main, rhizome, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from devices import DeviceError  # noqa: E402
from live import Live  # noqa: E402


def settings_come_from_four_places():
    with tempfile.TemporaryDirectory(prefix="rhizome-e2e-") as place:
        folder = pathlib.Path(place) / "pod"
        data = ("--data", folder)

        def shown(environment=None):
            return json.loads(rhizome("config", *data, "--json", environment=environment)[1])

        equal(shown()["http"], {"value": 4848, "from": "the default"}, "http at first")
        equal(shown()["data"], {"value": str(folder), "from": "--data"}, "the folder")
        equal(rhizome("config", "set", "http", "4900", *data)[0], 0, "config set")
        equal(rhizome("config", "set", "listen", "/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.2/tcp/0", *data)[0], 0, "a list")
        equal(rhizome("config", "set", "name", "desk", *data)[0], 0, "a text")
        equal((folder / "config.toml").stat().st_mode & 0o777, 0o600, "the file's mode")
        equal(shown()["http"], {"value": 4900, "from": "config.toml, line 1"}, "http from the file")
        equal(shown({"RHIZOME_HTTP": "4901"})["http"], {"value": 4901, "from": "RHIZOME_HTTP"}, "http from the environment")
        code, out, _ = rhizome("config", *data)
        check(code == 0 and "config.toml, line 2" in out, "config for people", out)
        # In force: the file's listen and name, the command line's http.
        equal(rhizome("init", *data)[0], 0, "init")
        device = Device("desk", folder, listen=None).start()
        try:
            status = device.status()
            equal(status["name"], "desk", "the name, from the file")
            equal([each.rsplit("/", 2)[0] for each in status["addresses"]], ["/ip4/127.0.0.1", "/ip4/127.0.0.2"], "where it listens")
            check(device.http != 4900, "the command line's port beats the file's")
            out = rhizome("config", "set", "discover", "yes", *data)[1]
            check("next" in out and "rhizome up" in out, "when it takes effect", out)
        finally:
            device.stop()
        equal(rhizome("config", "unset", "http", *data)[0], 0, "config unset")
        equal(shown()["http"]["from"], "the default", "http after unset")
        for words in (["set", "http", "70000"], ["set", "listen", "nonsense"], ["set", "nonsense", "1"], ["unset", "nonsense"],
                      ["set", "discover", "maybe"], ["set", "log_level", "loud"], ["set", "name", "a\nb"]):
            code, _, err = rhizome("config", *words, *data)
            check(code == 3 and len(err) > 15, f"config {' '.join(words)}: exit {code}", err)
        before = (folder / "config.toml").read_text()
        for broken, line in (("htpp = 1\n", 1), ("http = 1\nhttp = \n", 2), ("\n\nlog_level = \"loud\"\n", 3), ("\xff", 1)):
            (folder / "config.toml").write_bytes(broken.encode("latin-1"))
            for words in (["up"], ["config"]):
                code, _, err = rhizome(*words, *data)
                check(code == 3 and f"line {line}" in err, f"{words} with a broken file: exit {code}", err)
        (folder / "config.toml").write_text(before)
        equal(rhizome("up", "--log-level", "loud", *data)[0], 2, "a wrong option: exit code")
        equal(rhizome("up", *data, environment={"RHIZOME_LOG": "loud"})[0], 3, "a wrong variable: exit code")


def the_log_is_lines_of_json_without_secrets():
    class Chatty(Device):
        def __init__(self, name, folder):
            super().__init__(name, folder, options=("--log-level", "trace"))

    with PodFolder(("laptop", "phone"), make=Chatty) as pod:
        laptop, phone = pod["laptop"], pod["phone"]
        document = laptop.post("/api/documents?wait=pod", {"title": "Quarrel with Zebediah", "text": "unspeakable words"})["id"]
        wait_for("the text on the phone", lambda: phone.text(document) == "unspeakable words")
        laptop.edit(document, [[0, 0, "indescribable "]], "pod")
        code = laptop.post("/api/devices/invite", {"kind": "personal"})
        rhizome("doc", "show", "Quarrel with Zebediah", "--data", laptop.folder)
        rhizome("doc", "show", "Zebedees diary", "--data", laptop.folder)
        laptop.call("DELETE", "/api/devices/invite")
        paper = laptop.get("/api/paper")["words"]
        live = Live(laptop)
        live.send(type="open", doc=document)
        live.send(type="nonsense Zebediah")
        wrong = http.client.HTTPConnection("127.0.0.1", laptop.http)
        wrong.request("GET", "/?token=" + "0" * 64, headers={"Host": f"127.0.0.1:{laptop.http}"})
        wrong.getresponse().read()
        live.close()
        phone.stop()
        secrets = [laptop.token, phone.token, (laptop.folder / "device.key").read_text().strip(), code["code"], code["link"],
                   "Zebed", "unspeakable", "indescribable", "0" * 64, *(f" {a} {b}" for a, b in zip(paper, paper[1:]))]
        laptop.stop()
        text = laptop.log.read_text()
        for each in secrets:
            check(each not in text, f"the log holds {each[:8]}…")
        events = []
        for line in text.splitlines():
            entry = json.loads(line)
            check({"time", "level", "event"} <= entry.keys(), "fields of a line", line)
            check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"]), "the time", line)
            events.append(entry["event"])
        for wanted in ("started", "listening", "link up", "link down", "pairing", "request", "stopping"):
            check(wanted in events, f"the log does not tell of {wanted!r}", sorted(set(events)))


def levels_and_formats_of_the_log():
    with tempfile.TemporaryDirectory(prefix="rhizome-e2e-") as place:
        folder = pathlib.Path(place) / "pod"
        equal(rhizome("init", "--data", folder)[0], 0, "init")

        def logged(*options, environment=None):
            device = Device("d", folder, options=options)
            device.log.write_text("")
            os.environ.update(environment or {})
            try:
                device.start()
            finally:
                for name in environment or {}:
                    del os.environ[name]
            device.stop()
            return device.log.read_text()

        equal(logged("--log-level", "error"), "", "at error, of a start that went well")
        check('"level":"info"' in logged(), "info is the default")
        text = logged("--log-format", "text")
        check(re.search(r"^\d\d:\d\d:\d\d\.\d{3} info  started  device=[0-9a-f]{12}  http=\d+", text, re.M), "as text", text)
        check("\x1b" not in text, "no colours in a file", text)
        equal(logged(environment={"RHIZOME_LOG": "error"}), "", "RHIZOME_LOG")
        check("info" in logged("--log-level", "info", environment={"RHIZOME_LOG": "error"}), "the option beats the variable")


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
                    r'(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*\})? (-?[0-9.eE+-]+|NaN|[+-]Inf)( \d+)?$')


def metrics_are_as_prometheus_reads_them():
    with PodFolder(("laptop", "phone")) as pod:
        pod[0].post("/api/documents?wait=pod", {"title": "a", "text": "b"})
        text = pod[0].call("GET", "/metrics")
        check(text.endswith("\n"), "the last line ends")
        kinds, helped, seen = {}, set(), {}
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name = line.split()[2]
                check(name not in helped and len(line.split(" ", 3)[3]) > 3, "HELP once, and it says something", line)
                helped.add(name)
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                check(name not in kinds and kind in ("counter", "gauge", "histogram", "summary", "untyped"), "TYPE", line)
                check(name not in seen, "TYPE comes before its samples", line)
                kinds[name] = kind
            else:
                match = SAMPLE.match(line)
                check(match, "a sample that can't be read", line)
                name, labels, value = match[1], match[2], float(match[3])
                check(name in kinds and name in helped, "a sample without TYPE or HELP", line)
                check((name, labels) not in seen, "a sample twice", line)
                check(name.endswith("_total") == (kinds[name] == "counter"), "counters, and only they, end in _total", line)
                seen[name, labels] = value
        equal(seen["rhizome_devices", None], 2, "devices")
        equal(seen["rhizome_documents", None], 1, "documents")
        check(seen["rhizome_net_bytes_in_total", None] > 0 and seen["rhizome_commit_groups_total", None] > 0, "what was counted")
        again = pod[0].call("GET", "/metrics")
        for line in again.splitlines():
            match = SAMPLE.match(line)
            if match and kinds[match[1]] == "counter":
                check(float(match[3]) >= seen[match[1], match[2]], "a counter went back", line)


def stopping_takes_less_than_a_second():
    with PodFolder(("laptop", "phone")) as pod:
        ids = [pod[0].post("/api/documents", {"title": f"d{i}", "text": "x" * 200})["id"] for i in range(300)]
        pod[0].post("/api/documents?wait=pod", {"title": "last", "text": ""})
        pages = [Live(pod[0]) for _ in range(40)]
        for number, page in enumerate(pages):
            page.send(type="watch", topics=["status", "devices", "documents", "log"])
            for each in ids[:20]:
                page.send(type="open", doc=each)
        keep = [http.client.HTTPConnection("127.0.0.1", pod[0].http) for _ in range(20)]
        for each in keep:
            each.request("GET", "/api/status", headers={"Authorization": f"Bearer {pod[0].token}"})
            each.getresponse().read()
        half = socket.create_connection(("127.0.0.1", pod[0].http))
        half.sendall(b"GET / HTTP/1.1\r\nHost:")
        for number, each in enumerate(ids):
            pod[0].edit(each, [[0, 0, "last words "]])
            if number == 100:
                break
        began = time.monotonic()
        pod[0].process.send_signal(signal.SIGTERM)
        code = pod[0].process.wait(20)
        took = time.monotonic() - began
        equal(code, 0, "exit code")
        check(took < float(os.environ.get("RHIZOME_STOP_S", "1.0")), f"stopping took {took:.2f} s")
        check(not (pod[0].folder / "daemon.json").exists(), "daemon.json is left behind")
        pod[0].start()
        equal(pod[0].text(ids[0])[:11], "last words ", "what was visible when it was stopped")
        for page in pages:
            page.close()


def limits_of_the_page_hold():
    with PodFolder(("laptop",)) as pod:
        device = pod[0]
        head = f"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1:{device.http}\r\nAuthorization: Bearer {device.token}\r\n\r\n".encode()
        held = []
        for _ in range(300):  # 256 are taken; what is beyond is closed, and nothing breaks.
            held.append(socket.create_connection(("127.0.0.1", device.http), timeout=10))
        time.sleep(0.3)
        answered = 0
        for each in held:
            try:
                each.sendall(head)
                answered += each.recv(100).startswith(b"HTTP/1.1 200")
            except OSError:
                pass
        check(answered == 256, f"{answered} of 300 connections were served")
        for each in held:
            each.close()
        wait_for("it to serve again", lambda: device.status()["name"], 10)
        # Rate: one connection, requests without reading the answers in between.
        flood = socket.create_connection(("127.0.0.1", device.http), timeout=20)
        requests = head.replace(b"/api/status", b"/api/nothing") * 12000

        def pour():
            with contextlib.suppress(OSError):
                flood.sendall(requests)

        threading.Thread(target=pour, daemon=True).start()
        answers, began = b"", time.monotonic()
        flood.settimeout(3)
        while answers.count(b"HTTP/1.1 ") < 12000:
            try:
                data = flood.recv(1 << 20)
            except TimeoutError:
                break
            if not data:
                break
            answers += data
        served, refused = answers.count(b"HTTP/1.1 404"), answers.count(b"HTTP/1.1 429")
        seconds = time.monotonic() - began
        check(served > 1000, f"{served} of a flood were served at all")
        check(served <= 5000 * (int(seconds) + 2), f"{served} requests were served in {seconds:.1f} s, {refused} refused")
        flood.close()
        time.sleep(1.1)
        wait_for("it to serve again", lambda: device.status()["name"], 10)


ODD = ["", " ", "\n", "a" * 100000, "-", "--", "'", "\"; rm -rf /", "$(id)", "é🙂", "../../etc/passwd", "%00", "\x1b[31m", "nul\\0"]


def odd_input_is_no_crash():
    with PodFolder(("laptop",)) as pod:
        data = ("--data", pod[0].folder)
        pod[0].post("/api/documents?wait=local", {"title": "t", "text": "x"})
        commands = [["doc", "show"], ["doc", "edit", "--stdin"], ["doc", "export"], ["doc", "import"], ["device", "suspend"],
                    ["device", "remove"], ["ipld", "inspect"], ["car", "ls"], ["car", "verify"], ["config", "unset"],
                    ["completion"], ["ipld", "cid", "--codec"], ["log", "--limit"], ["device", "add", "--kind"]]
        for command in commands:
            for word in ODD:
                code, out, err = rhizome(*command, word, *data, stdin="")
                check(code in (1, 2, 3, 4) and (err or out) or (command[-1] == "import" and code == 0) or (word == " " and code == 0),
                      f"rhizome {' '.join(command)} {word[:20]!r}: exit {code}", out, err)
        for command in (["doc", "rename", "t"], ["device", "rename", "laptop"]):
            for word in ODD:
                code, out, err = rhizome(*command, word, *data)
                check(code in (0, 1, 2, 3), f"rhizome {' '.join(command)} {word[:20]!r}: exit {code}", out, err)
                if code == 0:
                    rhizome(*command[:2], word, command[2], *data)
        for stdin in (b"", b"\0" * 1000, bytes(range(256)) * 100, b"\xff\xfe"):
            for command in (["ipld", "convert"], ["ipld", "cid"], ["doc", "edit", "t", "--stdin"]):
                code, _, err = rhizome(*command, *data, stdin=stdin)
                check(code in (0, 1, 3), f"rhizome {' '.join(command)} with odd bytes: exit {code}", err)
        with subprocess.Popen([str(BINARY), "doc", "edit", "t", "--stdin", *map(str, data)], stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE) as endless:
            try:
                for _ in range(1000):
                    endless.stdin.write(b"x" * 65536)
                endless.stdin.close()
            except BrokenPipeError:
                pass
            endless.stdin = None
            _, err = endless.communicate(timeout=30)
            check(endless.returncode == 3 and b"larger than" in err, f"64 MB of input: exit {endless.returncode}", err)
        # Where nothing can be written: said, and its own exit code.
        with open("/dev/full", "wb") as full:
            done = subprocess.run([str(BINARY), "doc", "show", "t", *map(str, data)], stdout=full, stderr=subprocess.PIPE, check=False)
        check(done.returncode == 1 and b"could not be written" in done.stderr, f"a full standard output: exit {done.returncode}", done.stderr)


def folders_that_are_none():
    with tempfile.TemporaryDirectory(prefix="rhizome-e2e-") as place:
        place = pathlib.Path(place)
        (place / "file").write_text("no folder")
        (place / "garbage").mkdir()
        (place / "garbage/device.key").write_bytes(b"\xff" * 100)
        (place / "garbage/daemon.json").write_bytes(b"\0{]")
        (place / "stale").mkdir()
        for folder in (place / "file", place / "file/below", "/proc/none", "/dev/null", place / "garbage", "\n", "a" * 5000, ""):
            for words in (["init", "--name", "x"], ["up"], ["status"], ["doctor"], ["config"], ["config", "set", "http", "1"], ["doc", "list"]):
                if folder == "\n" and words[0] in ("init", "up", "config"):
                    continue
                code, out, err = rhizome(*words, "--data", folder)
                check(code in (1, 2, 3, 4) or words[0] == "config" and code == 0,
                      f"rhizome {' '.join(words)} --data {str(folder)[:40]!r}: exit {code}", out, err)
                check(out or err, f"rhizome {' '.join(words)} --data {str(folder)[:40]!r} says nothing")
        # What a killed daemon leaves: the port may be anybody's by now, or nobody's.
        equal(rhizome("init", "--data", place / "pod")[0], 0, "init")
        (place / "pod/api.token").write_text("0" * 64)
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            for port in (1, 99999, -1, deaf.getsockname()[1]):
                (place / "pod/daemon.json").write_text(json.dumps({"http": f"http://127.0.0.1:{port}"}))
                if port == deaf.getsockname()[1]:
                    deaf.close()
                code, _, err = rhizome("status", "--data", place / "pod")
                equal(code, 4, f"a daemon that is not there, port {port}: exit code ({err})")
        device = Device("d", place / "pod").start()
        code, _, err = rhizome("up", "--http", "0", "--data", place / "pod")
        check(code == 1 and "has" in err and "open" in err, f"a second daemon: exit {code}", err)
        equal(rhizome("status", "--data", place / "pod")[0], 0, "the first one afterwards: exit code")
        code, _, err = rhizome("up", "--http", str(device.http), "--data", place / "other")
        check(code == 1 and "--http" in err, "up without a pod, on a port that is taken", err)
        device.stop()
        equal(rhizome("init", "--data", place / "two")[0], 0, "init")
        with socket.create_server(("127.0.0.1", 0)) as squatter:
            port = squatter.getsockname()[1]
            code, _, err = rhizome("up", "--http", str(port), "--data", place / "two")
            check(code == 1 and f"{port}" in err and "--http" in err, f"a port that is taken: exit {code}", err)
            code, _, err = rhizome("up", "--http", "0", "--listen", f"/ip4/127.0.0.1/tcp/{port}", "--data", place / "two")
            check(code == 1 and f"{port}" in err and "--listen" in err, f"an address that is taken: exit {code}", err)
            code, _, err = rhizome("up", "--http", "0", "--listen", "/ip4/203.0.113.77/tcp/1", "--data", place / "two")
            check(code == 3 and "203.0.113.77" in err, f"an address that this machine does not have: exit {code}", err)
            done = json.loads(rhizome("doctor", "--data", place / "two", "--json")[1])
            check(any(each["check"] == "daemon" and not each["ok"] for each in done["checks"]), "doctor", done)


def leaving_takes_all_that_can_be_taken():
    with PodFolder(("laptop",)) as pod, tempfile.TemporaryDirectory(prefix="rhizome-e2e-") as place:
        data = ("--data", pod[0].folder)
        for title in ("a.txt", "a.txt/b.txt", "a.txt/c.txt", "same", "same", "same.txt", "x/../y", "." * 300, "/"):
            pod[0].post("/api/documents", {"title": title, "text": f"<{title[:20]}>"})
        count = len(pod[0].documents())
        code, out, err = rhizome("doc", "export", "--all", f"{place}/out", *data, "--json")
        equal((code, json.loads(out)["exported"]), (0, count), f"exported ({err})")
        files = [each for each in pathlib.Path(place, "out").rglob("*") if each.is_file()]
        equal(len(files), count, "files")
        equal(sorted(each.read_text() for each in files), sorted(pod[0].text(each["id"]) for each in pod[0].documents()), "texts")
        pathlib.Path(place, "blocked").mkdir()
        pathlib.Path(place, "blocked/x").write_text("in the way")
        pathlib.Path(place, "blocked/same.txt").mkdir()
        code, out, err = rhizome("doc", "export", "--all", f"{place}/blocked", *data)
        equal(code, 0, f"a folder in the way ({err})")

        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

        pod[0].post("/api/documents?wait=local", {"title": "large", "text": "x" * 5000})
        done = subprocess.run([str(BINARY), "doc", "export", "--all", f"{place}/small", *map(str, data)], capture_output=True, text=True,
                              preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), small_files()), check=False)
        check(done.returncode == 1 and "large" in done.stderr, f"a file that can't be written: exit {done.returncode}", done.stderr)
        equal(len([each for each in pathlib.Path(place, "small").rglob("*") if each.is_file()]), count, "the others are there, and no half")


def renaming_from_the_command_line():
    with PodFolder(("laptop", "phone")) as pod:
        data = ("--data", pod[0].folder)
        document = pod[0].post("/api/documents?wait=pod", {"title": "old", "text": "x"})["id"]
        equal(rhizome("doc", "rename", "old", "new name", *data)[0], 0, "doc rename")
        wait_for("the phone to hear of it", lambda: any(each["title"] == "new name" for each in pod[1].documents()))
        equal(json.loads(rhizome("doc", "rename", document[:8], "third", *data, "--json")[1]), {"id": document, "title": "third"}, "in JSON")
        code, _, err = rhizome("doc", "rename", "old", "x", *data)
        check(code == 1 and "old" in err, f"of a document that is not there: exit {code}", err)
        code, _, err = rhizome("doc", "remove", "third", *data)
        equal(code, 0, f"doc remove ({err})")
        wait_for("the phone to hear of it", lambda: not pod[1].documents())
        check("No documents yet" in rhizome("doc", "list", *data)[1], "it is in no list")
        check("third" in rhizome("doc", "list", "--removed", *data)[1], "but in that of the removed ones")
        code, _, err = rhizome("doc", "show", "third", *data)
        check(code == 1 and "third" in err, f"shown after its removal: exit {code}", err)
        equal(json.loads(rhizome("doc", "restore", "third", *data, "--json")[1])["id"], document, "doc restore")
        wait_for("it to be back on the phone", lambda: [each["title"] for each in pod[1].documents()] == ["third"])
        equal(rhizome("doc", "show", "third", *data)[1].strip(), "x", "with its text")


def order_is_no_copy():
    with PodFolder(("laptop",)) as pod:
        document = pod[0].post("/api/documents?wait=committed", {"title": "alone", "text": "x"})["id"]
        shown = pod[0].get(f"/api/documents/{document}")
        equal((shown["state"], shown["copied"]), ("committed", False), "ordered by one device")
        try:
            pod[0].post(f"/api/documents/{document}/edit?wait=pod", {"changes": [[1, 0, "y"]]})
        except DeviceError as refused:
            check("no_other_device" in str(refused), "there is no other", str(refused))
        else:
            check(False, "a copy was promised where there is no other device")
        equal(pod[0].get(f"/api/documents/{document}")["text"], "xy", "it is kept all the same")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(main(settings_come_from_four_places, the_log_is_lines_of_json_without_secrets, levels_and_formats_of_the_log,
                  metrics_are_as_prometheus_reads_them, stopping_takes_less_than_a_second, limits_of_the_page_hold,
                  odd_input_is_no_crash, folders_that_are_none, leaving_takes_all_that_can_be_taken,
                  renaming_from_the_command_line, order_is_no_copy, watchdog_s=400))
