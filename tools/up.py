#!/usr/bin/env python3
"""The main job: one pod on three devices, as three processes on this machine, live.

usage: up.py [--import DIR] [--fresh]

laptop (page on 4848), phone (4849) and cloud (4850), paired through the real pairing; every text file of DIR becomes a
document. Stays in front; INT or TERM stops all three; the next run resumes.
"""
import argparse
import os
import pathlib
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from devices import ROOT, Device, DeviceError, pair, wait_for  # noqa: E402

HOME = pathlib.Path(os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local/share") / "rhizome-demo"
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def bold(text):
    return f"\x1b[1m{text}\x1b[0m" if COLOUR else text


def say(text):
    print(text, flush=True)


def make_devices():
    ports = {"laptop": 4848, "phone": 4849, "cloud": 4850}
    return {name: Device(name, HOME / name, port, f"/ip4/127.0.0.1/tcp/{port + 20}") for name, port in ports.items()}


def bring_up(devices):
    laptop = devices["laptop"]
    if not laptop.is_there():
        say("making a pod on the laptop")
        laptop.init()
    laptop.start()
    for name, kind in (("phone", "personal"), ("cloud", "cloud")):
        device = devices[name]
        if not device.is_there():
            say(f"pairing the {name}")
            pair(laptop, device, kind)
        device.start()
    wait_for("the three devices to decide together", lambda: laptop.status()["quorum"]["voters"] == 3, timeout=60)


def main():
    parser = argparse.ArgumentParser(prog="./dev up", description="One pod on three devices, live.")
    parser.add_argument("--import", dest="folder", default=str(ROOT / "docs"), metavar="DIR",
                        help="its text files become documents (default: docs/)")
    parser.add_argument("--fresh", action="store_true", help="start anew: what an earlier run made is deleted")
    options = parser.parse_args()
    if not pathlib.Path(options.folder).is_dir():
        parser.error(f"there is no folder {options.folder}")
    if options.fresh:
        shutil.rmtree(HOME, ignore_errors=True)
    devices = make_devices()
    stopping = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.append(True))
    try:
        bring_up(devices)
        imported = devices["laptop"].run("doc", "import", options.folder)
        say(f"{len(imported['imported'])} documents imported from {options.folder}")
        say("\n" + bold("One pod, three devices:"))
        for name, note in (("laptop", ""), ("phone", ""), ("cloud", "   always on, and blind: it stores, but can't read")):
            say(f"  {name:7} {devices[name].url}{note}")
        say("\nTry this: open laptop and phone side by side, type into one note in both.\n"
            f"Then kill one:  kill -9 {devices['phone'].process.pid}   the others go on; start ./dev up again and it catches up.\n"
            "Ctrl-C stops all three; nothing is lost by that.")
        gone = set()
        while not stopping:
            for name, device in devices.items():
                if not device.alive() and name not in gone:
                    gone.add(name)
                    say(f"the {name} is gone; the others go on. Bring it back:  build/release/bin/rhizome up --data "
                        f"{device.folder} --http {device.http} --listen {device.listen}")
            time.sleep(0.2)
        say("\nstopping")
    except DeviceError as error:
        print(f"dev up: {error}", file=sys.stderr)
        return 1
    finally:
        for device in devices.values():
            if device.alive():
                device.process.terminate()
        for device in devices.values():
            device.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
