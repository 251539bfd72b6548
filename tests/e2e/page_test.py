#!/usr/bin/env python3
"""The page in a real browser on real devices: two windows on two devices type into one text, one device is killed, both
go on, it comes back, both are equal (tests/browser/two_windows.test.mjs against the daemon)."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
from devices import BINARY, PAGE, ROOT, Device, pair, wait_for  # noqa: E402

TESTS = ROOT / "tests/browser"


def main():
    if not pathlib.Path(os.environ.get("RZ_CHROMIUM", "/usr/bin/chromium")).exists():
        print("skipped: no Chromium")
        return 0
    if not (TESTS / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--silent"], cwd=TESTS, check=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rhizome-page-"))
    laptop, phone = devices = [Device(name, folder / name) for name in ("laptop", "phone")]
    try:
        laptop.init()
        laptop.start()
        pair(laptop, phone)
        phone.start()
        laptop.post("/api/documents?wait=pod", {"title": "First note", "text": "hello\n"})
        wait_for("the phone to have it", lambda: len(phone.documents()) == 1)
        restart = (f"setsid {BINARY} up --data {phone.folder} --http {phone.http} --listen {phone.listen} --page {PAGE} "
                   f">{folder}/restarted.log 2>&1 & echo $! >{folder}/restarted.pid")
        kill = f"kill -9 $(cat {folder}/restarted.pid 2>/dev/null || echo {phone.process.pid})"
        environment = {**os.environ, "RZ_URLS": f"{laptop.url},{phone.url}", "RZ_KILL_CMD": kill, "RZ_RESTART_CMD": restart}
        done = subprocess.run(["node", "--test", "--test-timeout=120000", os.environ.get("RZ_PAGE_TEST", "two_windows.test.mjs")], cwd=TESTS, env=environment,
                              timeout=400)
        return done.returncode
    finally:
        restarted = folder / "restarted.pid"
        if restarted.exists():
            subprocess.run(["kill", "-9", restarted.read_text().strip()], capture_output=True)
        for device in devices:
            device.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
