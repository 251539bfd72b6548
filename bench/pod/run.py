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
from devices import BINARY, Device, all_equal, pair, wait_for, write_events  # noqa: E402
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


def metric(device, name):
    return next(float(line.split()[1]) for line in device.get("/metrics").splitlines() if line.startswith(name + " "))


def start_ms(device):
    device.stop()
    started = time.perf_counter()
    device.start()
    return (time.perf_counter() - started) * 1e3


def large_pod(folder, devices, events=100_000, documents=200):
    """A second device catches up with 100,000 events; what they take at rest; how a device with them starts."""
    laptop, phone = Device("large", folder / "large"), Device("newcomer", folder / "newcomer")
    devices += [laptop, phone]
    laptop.init()
    laptop.start()
    ids = [laptop.post("/api/documents", {"title": f"Note {i}", "text": ""})["id"] for i in range(documents)]
    before = metric(laptop, "rhizome_storage_bytes")
    write_events(laptop, ids, events // documents, text="w")
    pair(laptop, phone)
    started = time.perf_counter()
    phone.start()
    wait_for("the newcomer to have it all", lambda: metric(phone, "rhizome_events") >= events, timeout=300, every=0.02)
    figure(f"catch-up of {events:,} events", time.perf_counter() - started, "s")
    figure(f"catch-up of {events:,} events, received", metric(phone, "rhizome_net_bytes_in_total") / 1e6, "MB")
    time.sleep(15)  # What is merged in the background.
    figure("bytes per event at rest, one character each", (metric(laptop, "rhizome_storage_bytes") - before) / events, "B")
    figure("the same on the device that caught up", metric(phone, "rhizome_storage_bytes") / events, "B")
    figure(f"memory with {events:,} events", resident_mb(laptop), "MB")
    figure(f"start-up with {events:,} events", start_ms(laptop), "ms")
    started = time.perf_counter()
    laptop.documents()
    figure(f"list of {documents} documents of {events:,} events after that", (time.perf_counter() - started) * 1e3, "ms")


def many_documents(folder, devices, count=5000):
    device = Device("many", folder / "many")
    devices.append(device)
    device.init()
    device.start()
    times = []
    for i in range(count):
        started = time.perf_counter()
        made = device.post("/api/documents", {"title": f"Note {i}", "text": "something to begin with"})["id"]
        times.append((time.perf_counter() - started) * 1e3)
    figure(f"a new document, of the last 100 of {count:,}", statistics.median(times[-100:]), "ms")
    time.sleep(3)
    figure(f"start-up with {count:,} documents", start_ms(device), "ms")
    started = time.perf_counter()
    check = device.documents()
    figure(f"list of {len(check):,} documents after that", (time.perf_counter() - started) * 1e3, "ms")
    times = []
    for _ in range(100):
        started = time.perf_counter()
        device.edit(made, [[0, 0, "y"]], wait="local")
        times.append((time.perf_counter() - started) * 1e3)
    figure(f"edit to local among {count:,} documents p50", percentile(times, 50), "ms")
    figure(f"memory with {count:,} documents", resident_mb(device), "MB")


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
        figure("start-up", statistics.median(start_ms(phone) for _ in range(5)), "ms")
        for device in devices:
            device.stop()
        large_pod(folder, devices)
        many_documents(folder, devices)
    finally:
        for device in devices:
            device.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
