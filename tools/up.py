#!/usr/bin/env python3
"""The main job: one pod on three devices, as three processes on this machine, live.

usage: up.py [--import DIR] [--fresh]

laptop (page on 4848), phone (4849) and cloud (4850), paired through the real pairing; every text file of DIR becomes a
document. Stays in front; INT or TERM stops all three; the next run resumes.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from devices import ROOT, Device, DeviceError, pair, wait_for  # noqa: E402

HOME = pathlib.Path(os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local/share") / "rhizome-demo"
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def bold(text):
    return f"\x1b[1m{text}\x1b[0m" if COLOUR else text


class Stop(Exception):
    """INT, TERM or HUP, or nobody reads any more."""


def say(text):
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What is left in the buffer would complain again when the program ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Stop from None


def make_devices():
    ports = {"laptop": 4848, "phone": 4849, "cloud": 4850}
    return {name: Device(name, HOME / name, port, f"/ip4/127.0.0.1/tcp/{port + 20}") for name, port in ports.items()}


def running_pid(device):
    """The process that has the device's folder open, if there is one."""
    try:
        pid = json.loads((device.folder / "daemon.json").read_text())["pid"]
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if str(device.folder).encode() in words else None


def stop_leftovers(devices):
    """Devices of a run that was itself killed still have their folders and ports: they are stopped, and saved, first."""
    left = {pid: name for name, device in devices.items() if (pid := running_pid(device))}
    if not left:
        return
    say(f"stopping what an earlier run left running: {', '.join(left.values())}")
    for pid in left:
        os.kill(pid, signal.SIGTERM)
    wait_for("them to stop", lambda: not any(running_pid(each) for each in devices.values()), timeout=10)


def check_ports(devices):
    for name, device in devices.items():
        for port, what in ((device.http, "page"), (int(device.listen.rsplit("/", 1)[1]), "connections")):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    raise DeviceError(f"port {port} on 127.0.0.1, for the {name}'s {what}, is taken by another program: "
                                      f"`ss -ltnp sport = :{port}` says by which. Stop it, then run ./dev up again") from None


def last_words(device):
    """How a device ended, for whoever wonders."""
    code = device.process.returncode
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    if code <= 0:
        return how
    lines = device.log.read_text(errors="replace").strip().splitlines()
    return f"{how}: {lines[-1]}" if lines else how


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
    devices = make_devices()

    def stop(*_):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # Once is enough: stopping takes a moment.
        raise Stop

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    code = 0
    try:
        run(devices, options)
    except Stop:
        pass
    except DeviceError as error:
        print(f"dev up: {error}", file=sys.stderr)
        code = 1
    stop_all(devices)
    return code


def run(devices, options):
    stop_leftovers(devices)
    check_ports(devices)
    if options.fresh:
        shutil.rmtree(HOME, ignore_errors=True)
    bring_up(devices)
    imported = devices["laptop"].run("doc", "import", options.folder)
    left_out = f"; {imported['skipped']} left out (there already, or no text)" if imported["skipped"] else ""
    say(f"{len(imported['imported'])} documents imported from {options.folder}{left_out}")
    say("\n" + bold("One pod, three devices:"))
    for name, note in (("laptop", ""), ("phone", ""), ("cloud", "   always on, and blind: it stores, but can't read")):
        say(f"  {name:7} {devices[name].url}{note}")
    say("\nTry this: open laptop and phone side by side, type into one note in both.\n"
        f"Then kill one:  kill -9 {devices['phone'].process.pid}   the others go on; start ./dev up again and it catches up.\n"
        "Ctrl-C stops all three; nothing is lost by that.")
    gone = set()
    while True:
        for name, device in devices.items():
            if not device.alive() and name not in gone:
                gone.add(name)
                say(f"the {name} is gone ({last_words(device)}); the others go on. Bring it back:  "
                    f"build/release/bin/rhizome up --data {device.folder} --http {device.http} --listen {device.listen}")
        time.sleep(0.2)


def stop_all(devices):
    try:
        say("\nstopping")
    except Stop:
        pass
    for device in devices.values():
        if device.alive():
            device.process.terminate()
    for device in devices.values():
        device.stop()


if __name__ == "__main__":
    sys.exit(main())
