"""What the end-to-end tests share: a pod in a temporary folder, checks that are counted, and an end that leaves nothing.

A test file is a list of functions; `main(...)` runs each, prints `N passed, N failed` and exits 0 or 1. Whatever a test
started is killed when it ends, however it ends; a test that hangs is ended by its watchdog.
"""
import faulthandler
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from devices import BINARY, Device, DeviceError, all_equal, pair, wait_for  # noqa: E402,F401

ELECTION_S = 6.0  # No write waits longer than this, whoever dies.


class Failed(Exception):
    """A check that did not hold."""


class Skipped(Exception):
    """Not possible here; the message says why."""


def check(holds, what, *details):
    if not holds:
        raise Failed(what + "".join(f"\n    {detail}" for detail in details))


def equal(got, wanted, what):
    check(got == wanted, what, f"got    {str(got)[:600]}", f"wanted {str(wanted)[:600]}")


class PodFolder:
    """A temporary folder with devices; everything in it dies at the end of the `with`."""

    def __init__(self, names=("laptop", "phone", "cloud"), kinds=None, make=Device):
        self.names, self.kinds, self.make = names, kinds or {"cloud": "cloud"}, make
        self.devices = {}

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rhizome-e2e-"))
        try:
            for name in self.names:
                self.join(name)
            if len(self.names) > 1:
                self.voters(len(self.names))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        for device in self.devices.values():
            resume(device)
            device.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def join(self, name):
        """The first makes the pod, the others are paired with the first; each runs afterwards."""
        device = self.devices[name] = self.make(name, self.folder / name)
        if len(self.devices) == 1:
            device.init()
        else:
            pair(self[0], device, self.kinds.get(name, "personal"))
        return device.start()

    def voters(self, devices, timeout=60):
        """Waits until all know as many voters as there can be: an odd number, since an even one survives no more."""
        count = devices - 1 + devices % 2
        wait_for(f"{count} voters", lambda: all(each.status()["quorum"]["voters"] == count for each in self.running()),
                 timeout)

    def running(self):
        return [each for each in self.devices.values() if each.alive()]

    def __getitem__(self, which):
        return list(self.devices.values())[which] if isinstance(which, int) else self.devices[which]


def suspend(device):
    os.kill(device.process.pid, signal.SIGSTOP)


def resume(device):
    if device.alive():
        os.kill(device.process.pid, signal.SIGCONT)


def readers(pod):
    """The devices that hold keys: all but the blind ones."""
    return [each for name, each in pod.devices.items() if pod.kinds.get(name) != "cloud"]


def settled(devices, timeout=30):
    """Waits until all hold the same texts, and returns them."""
    return wait_for("equal texts", lambda: all_equal(devices), timeout)


def rhizome(*words, stdin=None, environment=None, timeout=60):
    """The program itself: (exit code, standard output, standard error)."""
    text = not isinstance(stdin, bytes)
    done = subprocess.run([str(BINARY), *map(str, words)], input=stdin, capture_output=True, text=text, timeout=timeout,
                          env={**os.environ, **(environment or {})})
    check(done.returncode >= 0, f"rhizome {' '.join(map(str, words))} died of signal {-done.returncode}")
    return done.returncode, done.stdout, done.stderr


class Writers:
    """Threads that write, one a device, and time every write; the slowest is what the test asks about."""

    def __init__(self, document, devices, wait="committed"):
        self.document, self.wait = document, wait
        self.stopping, self.acknowledged, self.slowest, self.errors = False, [], 0.0, []
        self.threads = [threading.Thread(target=self._write, args=(each,), daemon=True) for each in devices]

    def _write(self, device):
        number = 0
        while not self.stopping:
            mark, began = f"<{device.name}{number}>", time.monotonic()
            try:
                device.edit(self.document, [[0, 0, mark]], self.wait)
                self.acknowledged.append(mark)
            except DeviceError as error:
                self.errors.append(str(error))
                return
            self.slowest = max(self.slowest, time.monotonic() - began)
            number += 1
            time.sleep(0.02)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for thread in self.threads:
            thread.join(40)


def main(*tests, watchdog_s=240):
    """Runs the tests whose name contains the first argument, or all."""
    watchdog_s = int(os.environ.get("RHIZOME_WATCHDOG_S", watchdog_s))
    faulthandler.dump_traceback_later(watchdog_s, exit=False)
    timer = threading.Timer(watchdog_s, lambda: os.kill(os.getpid(), signal.SIGTERM))
    timer.daemon = True
    timer.start()

    def ended(*_):
        raise SystemExit("ended from outside, or by the watchdog")

    signal.signal(signal.SIGTERM, ended)
    if not BINARY.exists():
        print(f"there is no {BINARY}: run ./dev build")
        return 1
    passed = failed = 0
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for test in tests:
        if only not in test.__name__:
            continue
        name, began = test.__name__.replace("_", " "), time.monotonic()
        try:
            test()
            passed += 1
            print(f"  ok      {name} ({time.monotonic() - began:.1f} s)", flush=True)
        except Skipped as why:
            print(f"  skipped {name}: {why}", flush=True)
        except (Failed, DeviceError, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"  FAILED  {name}: {error}", flush=True)
        except Exception:  # A test that breaks has failed; the others still run.
            failed += 1
            print(f"  FAILED  {name}:\n{traceback.format_exc()}", flush=True)
    faulthandler.cancel_dump_traceback_later()
    timer.cancel()
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0
