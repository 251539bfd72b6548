#!/usr/bin/env python3
"""Figures of whole devices: real processes, real disk, real loopback network. Prints one JSON line a figure.

Every time stands beside a raw fdatasync loop of this run: what the disk alone takes.
"""
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
from devices import BINARY, Device, all_equal, pair, wait_for  # noqa: E402
from live import Live  # noqa: E402


def figure(name, value, unit, rival="", rival_value=None):
    ratio = None if not rival_value else round(value / rival_value, 3)
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "rival": rival,
                      "rival_value": None if rival_value is None else round(rival_value, 3), "ratio": ratio}), flush=True)


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def fdatasync_ms(folder, count=200):
    times = []
    with open(folder / "raw", "wb") as file:
        for _ in range(count):
            started = time.perf_counter()
            file.write(b"x" * 128)
            file.flush()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - started) * 1e3)
    return percentile(times, 50)


def resident_mb(device):
    for line in pathlib.Path(f"/proc/{device.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def edit_latencies(laptop, phone, document, count=300):
    """One-character edits on the laptop's page until the phone's page shows them, by the provisional tail."""
    here, there = Live(laptop), Live(phone)
    revision = 0
    for live in (here, there):
        live.send(type="open", doc=document)
        live.until(lambda m: m["type"] == "opened")
    times = []
    for i in range(count):
        started = time.perf_counter()
        here.send(type="edit", doc=document, rev=revision, changes=[[0, 0, "abcdefghij"[i % 10]]])
        there.until(lambda m: m["type"] == "changes")
        times.append((time.perf_counter() - started) * 1e3)
        revision = here.until(lambda m: m["type"] == "ack")["rev"]
        time.sleep(0.002)
    here.close()
    there.close()
    return times


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rhizome-bench-"))
    devices = []
    try:
        figure("binary stripped", BINARY.stat().st_size / 1e6, "MB")
        raw = fdatasync_ms(folder)
        laptop, phone, cloud = devices = [Device(name, folder / name) for name in ("laptop", "phone", "cloud")]
        laptop.init()
        laptop.start()
        for device, kind in ((phone, "personal"), (cloud, "cloud")):
            pair(laptop, device, kind)
            device.start()
        wait_for("three voters", lambda: laptop.status()["quorum"]["voters"] == 3, timeout=60)
        document = laptop.post("/api/documents?wait=committed", {"title": "bench", "text": "x" * 1000})["id"]
        wait_for("the phone", lambda: any(each["id"] == document for each in phone.documents()))
        figure("idle memory", resident_mb(phone), "MB")
        times = edit_latencies(laptop, phone, document)
        figure("edit to visible on phone p50", percentile(times, 50), "ms")
        figure("edit to visible on phone p99", percentile(times, 99), "ms")
        for state in ("local", "pod", "committed"):
            times = []
            for _ in range(100):
                started = time.perf_counter()
                laptop.edit(document, [[0, 0, "y"]], wait=state)
                times.append((time.perf_counter() - started) * 1e3)
            figure(f"edit to {state} p50", percentile(times, 50), "ms", "fdatasync", raw)
            figure(f"edit to {state} p99", percentile(times, 99), "ms", "fdatasync", raw)
        wait_for("all equal", lambda: all_equal([laptop, phone]))
        before = resident_mb(laptop)
        for i in range(200):
            laptop.post("/api/documents", {"title": f"d{i}", "text": "z" * 1000})
        wait_for("saved", lambda: laptop.status()["pending"]["visible"] == 0)
        figure("memory per 1,000-character document", (resident_mb(laptop) - before) * 1024 / 200, "KB")
        starts = []
        for _ in range(5):
            phone.stop()
            started = time.perf_counter()
            phone.start()
            starts.append((time.perf_counter() - started) * 1e3)
        figure("start-up", statistics.median(starts), "ms")
    finally:
        for device in devices:
            device.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
