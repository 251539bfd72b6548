"""Whole devices: real processes, real disk, loopback network; beside them Yjs with y-websocket on the same job.

Every time to a promise of the disk stands beside a bare fdatasync of the same run: what the disk alone takes.
"""
import contextlib
import http.client
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from figures import ROOT, BenchError, Figure, fdatasync_times, gather, percentile

sys.path[:0] = [str(ROOT / "tools"), str(pathlib.Path(__file__).resolve().parent)]
from devices import BINARY, Device, DeviceError, all_equal, pair, wait_for  # noqa: E402
from live import Live  # noqa: E402
from large import many_documents, many_events  # noqa: E402
from measures import metric, resident_mb, start_ms, stored_bytes  # noqa: E402
from rival_yjs import Yjs  # noqa: E402

STATES = ("local", "pod", "committed")


class Pages:
    """One document open on the laptop's page and on the phone's."""

    def __init__(self, laptop, phone, document):
        self.here, self.there, self.document, self.revision = Live(laptop), Live(phone), document, 0
        for live in (self.here, self.there):
            live.send(type="open", doc=document)
            live.until(lambda m: m["type"] == "opened")

    def edits(self, count):
        """One-character edits on the one page, each until the other shows it, by the provisional tail; milliseconds."""
        times = []
        for i in range(count):
            started = time.perf_counter()
            self.here.send(type="edit", doc=self.document, rev=self.revision, changes=[[0, 0, "abcdefghij"[i % 10]]])
            self.there.until(lambda m: m["type"] == "changes")
            times.append((time.perf_counter() - started) * 1e3)
            self.revision = self.here.until(lambda m: m["type"] == "ack")["rev"]
            time.sleep(0.002)
        return times

    def close(self):
        self.here.close()
        self.there.close()


class Connection:
    """One kept HTTP connection to a device."""

    def __init__(self, device):
        self.http = http.client.HTTPConnection("127.0.0.1", device.http, timeout=40)
        self.headers = {"Authorization": f"Bearer {device.token}", "Content-Type": "application/json"}

    def edit(self, document, wait):
        """A one-character edit until it has come as far as `wait`; milliseconds."""
        body = json.dumps({"changes": [[0, 0, "y"]]})
        started = time.perf_counter()
        self.http.request("POST", f"/api/documents/{document}/edit?wait={wait}", body, self.headers)
        reply = self.http.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise BenchError(f"edit to {wait}: {reply.status} {body[:200]}")
        return (time.perf_counter() - started) * 1e3


def stripped_mb(folder):
    copy = folder / "stripped"
    shutil.copy(BINARY, copy)
    with contextlib.suppress(OSError, subprocess.SubprocessError):  # The build strips it already.
        subprocess.run(["strip", str(copy)], check=True, capture_output=True)
    return copy.stat().st_size / 1e6


def make_pod(folder):
    laptop, phone, cloud = devices = [Device(name, folder / name) for name in ("laptop", "phone", "cloud")]
    try:
        laptop.init()
        laptop.start()
        for device, kind in ((phone, "personal"), (cloud, "cloud")):
            pair(laptop, device, kind)
            device.start()
        wait_for("three voters", lambda: laptop.status()["quorum"]["voters"] == 3, timeout=60)
    except BaseException:
        for device in devices:
            device.kill()
        raise
    return devices


def latencies(bench, laptop, phone, document, yjs):
    """Edits on one page until the other shows them, ours and Yjs' in turn."""
    count = 30 if bench.quick else 100
    pages = Pages(laptop, phone, document)
    rival = None if yjs is None else lambda: yjs.ask("edits", count)
    pages.edits(20)
    ours, theirs = bench.in_turn(5, lambda: pages.edits(count), {"y-websocket": rival})
    pages.close()
    for percent in (50, 99):
        of = lambda runs: [percentile(times, percent) for times in runs]  # noqa: E731
        figure = Figure(f"edit on laptop to visible on phone p{percent}", "ms", of(ours))
        for name, runs in theirs.items():
            figure.beside(name, of(runs))
        bench.show(figure)


def promises(bench, folder, laptop, document):
    """Edits until they are safe, each state and the bare disk in turn."""
    connection, count = Connection(laptop), 10 if bench.quick else 50

    def one_round():
        times = {state: [connection.edit(document, state) for _ in range(count)] for state in STATES}
        return {**times, "fdatasync": fdatasync_times(folder, count)}

    rounds, _ = bench.in_turn(5, one_round)
    for state in STATES:
        for percent in (50, 99):
            figure = Figure(f"edit to {state} p{percent}", "ms", [percentile(each[state], percent) for each in rounds])
            bench.show(figure.beside("fdatasync", [percentile(each["fdatasync"], percent) for each in rounds]))
    # Each edit on its own is an event, sent to two devices, acknowledged and put in order.
    before, events = metric(laptop, "rhizome_net_bytes_out_total"), 20 if bench.quick else 200
    for _ in range(events):
        connection.edit(document, "committed")
    sent = (metric(laptop, "rhizome_net_bytes_out_total") - before) / events
    bench.show(Figure("sent by the laptop an edit, TLS and order included", "bytes", [sent]))


def sizes(bench, laptop, document):
    """What an event and a document take at rest and in memory."""
    events, documents = (50, 20) if bench.quick else (1000, 200)
    laptop.stop()
    empty = stored_bytes(laptop)
    laptop.start()
    connection = Connection(laptop)
    for _ in range(events):
        connection.edit(document, "local")
    laptop.stop()
    with_events = stored_bytes(laptop)
    bench.show(Figure("at rest an event of one character", "bytes", [(with_events - empty) / events]))
    laptop.start()
    laptop.text(document)
    before = resident_mb(laptop.process)
    for i in range(documents):
        laptop.post("/api/documents", {"title": f"d{i}", "text": "z" * 1000})
    wait_for("saved", lambda: laptop.status()["pending"]["visible"] == 0)
    memory = (resident_mb(laptop.process) - before) * 1024 / documents
    laptop.stop()
    return memory, (stored_bytes(laptop) - with_events) / documents, documents


def documents_beside(bench, laptop, document, yjs):
    memory, stored, count = sizes(bench, laptop, document)
    laptop.start()
    in_memory = Figure("memory a 1,000-character document", "KB", [memory])
    saved = Figure("at rest a 1,000-character document", "bytes", [stored])
    if yjs is not None:
        before = resident_mb(yjs.server)
        saved.beside("yjs", [yjs.ask("documents", count)])
        in_memory.beside("y-websocket", [(resident_mb(yjs.server) - before) * 1024 / count])
    bench.show(in_memory)
    bench.show(saved)


def start_ups(bench, phone, yjs):
    def rivals():
        yjs.stop()
        return yjs.start()

    starts, theirs = bench.in_turn(5, lambda: start_ms(phone), {"y-websocket": rivals if yjs is not None else None})
    figure = Figure("start-up", "ms", starts)
    for name, runs in theirs.items():
        figure.beside(name, runs)
    bench.show(figure)


def run(bench):
    rounds, _ = bench.in_turn(3, lambda: bench.program("pod_bench", "--edits", 5_000 if bench.quick else 100_000))
    for figure in gather(rounds):
        bench.show(figure)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rhizome-bench-"))
    yjs, devices = None, []
    try:
        bench.show(Figure("binary stripped", "MB", [stripped_mb(folder)]))
        raw = [fdatasync_times(folder) for _ in range(1 if bench.quick else 5)]
        bench.show(Figure("fdatasync of 128 bytes p50", "ms", [statistics.median(times) for times in raw]))
        yjs = bench.rival("y-websocket", lambda: Yjs(bench))
        laptop, phone, _ = devices = make_pod(folder)
        document = laptop.post("/api/documents?wait=committed", {"title": "bench", "text": "x" * 1000})["id"]
        wait_for("the phone", lambda: any(each["id"] == document for each in phone.documents()))
        time.sleep(0 if bench.quick else 2)
        idle = Figure("idle memory", "MB", [resident_mb(phone.process)])
        bench.show(idle if yjs is None else idle.beside("y-websocket", [resident_mb(yjs.server)]))
        latencies(bench, laptop, phone, document, yjs)
        promises(bench, folder, laptop, document)
        wait_for("all equal", lambda: all_equal([laptop, phone]))
        documents_beside(bench, laptop, document, yjs)
        start_ups(bench, phone, yjs)
        for device in devices:
            device.stop()
        many_events(bench, folder, devices)
        many_documents(bench, folder, devices)
    except DeviceError as error:
        raise BenchError(str(error)) from None
    finally:
        if yjs is not None:
            yjs.stop()
        for device in devices:
            device.kill()
        shutil.rmtree(folder, ignore_errors=True)
