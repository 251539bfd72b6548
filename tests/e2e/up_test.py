#!/usr/bin/env python3
"""`./dev up`: starts, resumes, is stopped, and says what is in its way.

The demo's ports are fixed (4848 to 4850, 4868 to 4870), so each test runs in a network namespace of its own.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from harness import ROOT, Failed, check, equal, main
from links_test import Namespace


class Demo:
    """`./dev up` with a home of its own, in a namespace of its own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rhizome-up-"))
        (self.folder / "notes").mkdir()
        (self.folder / "notes/one.md").write_text("one\n")
        (self.folder / "notes/two.md").write_text("two\n")
        self.place = Namespace()
        self.place.ip("link", "set", "lo", "up")
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
        for pid in self.devices():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.place.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def devices(self):
        """Processes that have a folder of this demo open."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().split(b"\0")
                if any(str(self.folder).encode() in word for word in words) and b"up" in words[1:2]:
                    found.append(int(path.parent.name))
        return found

    def start(self, *words):
        with self.place.inside():
            self.process = subprocess.Popen([sys.executable, str(ROOT / "tools/up.py"), "--import", str(self.folder / "notes"), *words],
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                            env={**os.environ, "XDG_DATA_HOME": str(self.folder / "home"), "NO_COLOR": "1"})
        return self

    def until(self, mark):
        said = []
        for line in self.process.stdout:
            said.append(line)
            if mark in line:
                return "".join(said)
        raise Failed(f"it ended without saying {mark!r}: {''.join(said)}{self.process.stderr.read()}")

    def end(self, number=signal.SIGTERM, within=5.0):
        began = time.monotonic()
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        check(time.monotonic() - began < within, f"stopping took {time.monotonic() - began:.1f} s")
        equal((self.process.returncode, self.devices()), (0, []), f"exit code, what still runs ({err})")
        return out


def it_starts_resumes_and_stops():
    with Demo() as demo:
        said = demo.start().until("Ctrl-C")
        check("2 documents imported" in said and said.count("http://127.0.0.1:") == 3, "what it says", said)
        equal(len(demo.devices()), 3, "devices that run")
        demo.end(signal.SIGINT)
        said = demo.start().until("Ctrl-C")
        check("0 documents imported" in said and "pairing" not in said, "a second run resumes", said)
        demo.end(signal.SIGTERM)
        said = demo.start("--fresh").until("Ctrl-C")
        check("2 documents imported" in said and "pairing the phone" in said, "--fresh starts anew", said)
        demo.end(signal.SIGHUP)


def it_is_stopped_while_it_starts():
    with Demo() as demo:
        demo.start().until("pairing the phone")
        demo.end(signal.SIGINT)


def a_port_that_is_taken_is_named():
    with Demo() as demo:
        with demo.place.inside():
            squatter = socket.create_server(("127.0.0.1", 4849))
        demo.start()
        out, err = demo.process.communicate(timeout=30)
        squatter.close()
        equal(demo.process.returncode, 1, "exit code")
        check("port 4849" in err and "phone" in err and "another program" in err and "Traceback" not in err, "what it says", err)
        equal(demo.devices(), [], "what still runs")


def a_device_that_dies_is_told_of():
    with Demo() as demo:
        demo.start().until("Ctrl-C")
        os.kill(demo.devices()[1], signal.SIGKILL)
        said = demo.until("is gone")
        check("SIGKILL" in said and "rhizome up --data" in said, "what it says", said)
        demo.end()


def what_a_killed_run_left_is_stopped():
    with Demo() as demo:
        demo.start().until("Ctrl-C")
        demo.process.kill()
        demo.process.wait()
        equal(len(demo.devices()), 3, "devices that go on by themselves")
        said = demo.start().until("Ctrl-C")
        check("an earlier run left running" in said, "what it says", said)
        demo.end()


def nobody_reads_what_it_says():
    with Demo() as demo:
        demo.start().until("making a pod")
        demo.process.stdout.close()
        demo.process.wait(60)
        err = demo.process.stderr.read()
        check("Traceback" not in err and "BrokenPipe" not in err, "it complains", err)
        equal(demo.devices(), [], "what still runs")


if __name__ == "__main__":
    sys.exit(main(it_starts_resumes_and_stops, it_is_stopped_while_it_starts, a_port_that_is_taken_is_named,
                  a_device_that_dies_is_told_of, what_a_killed_run_left_is_stopped, nobody_reads_what_it_says, watchdog_s=600))
