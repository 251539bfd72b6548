"""A pod of many events, and a device of many documents: to catch up, to start, to list, to hold."""
import statistics
import time

from devices import Device, pair, wait_for, write_events
from figures import Figure, percentile
from measures import metric, resident_mb, start_ms


def many_events(bench, folder, devices):
    """A second device catches up with 100,000 events; what they take at rest; how a device with them starts."""
    events, documents = (1_000, 20) if bench.quick else (100_000, 200)
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
    bench.show(Figure(f"catch-up of {events:,} events", "s", [time.perf_counter() - started]))
    received = metric(phone, "rhizome_net_bytes_in_total") / 1e6
    bench.show(Figure(f"catch-up of {events:,} events, received", "MB", [received]))
    time.sleep(0 if bench.quick else 15)  # What is merged in the background.
    at_rest = (metric(laptop, "rhizome_storage_bytes") - before) / events
    bench.show(Figure("at rest an event of one character, among many", "bytes", [at_rest]))
    at_rest = metric(phone, "rhizome_storage_bytes") / events
    bench.show(Figure("the same on the device that caught up", "bytes", [at_rest]))
    bench.show(Figure(f"memory with {events:,} events", "MB", [resident_mb(laptop.process)]))
    bench.show(Figure(f"start-up with {events:,} events", "ms", [start_ms(laptop)]))
    started = time.perf_counter()
    laptop.documents()
    listed = (time.perf_counter() - started) * 1e3
    bench.show(Figure(f"list of {documents} documents of {events:,} events after that", "ms", [listed]))


def many_documents(bench, folder, devices):
    count = 100 if bench.quick else 5_000
    device = Device("many", folder / "many")
    devices.append(device)
    device.init()
    device.start()
    times = []
    for i in range(count):
        started = time.perf_counter()
        made = device.post("/api/documents", {"title": f"Note {i}", "text": "something to begin with"})["id"]
        times.append((time.perf_counter() - started) * 1e3)
    bench.show(Figure(f"a new document, of the last 100 of {count:,}", "ms", [statistics.median(times[-100:])]))
    time.sleep(0 if bench.quick else 3)
    bench.show(Figure(f"start-up with {count:,} documents", "ms", [start_ms(device)]))
    started = time.perf_counter()
    listed = device.documents()
    bench.show(Figure(f"list of {len(listed):,} documents after that", "ms", [(time.perf_counter() - started) * 1e3]))
    times = []
    for _ in range(100):
        started = time.perf_counter()
        device.edit(made, [[0, 0, "y"]], wait="local")
        times.append((time.perf_counter() - started) * 1e3)
    bench.show(Figure(f"edit to local among {count:,} documents p50", "ms", [percentile(times, 50)]))
    bench.show(Figure(f"memory with {count:,} documents", "MB", [resident_mb(device.process)]))
