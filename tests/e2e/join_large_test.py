#!/usr/bin/env python3
"""A pod of 100,000 events goes on while it changes: a device joins, another is removed, and nobody waits for either."""
import os
import sys
import time

from harness import (ELECTION_S, PodFolder, Writers, check, equal, main, settled, wait_for)
from devices import write_events

EVENTS = int(os.environ.get("RHIZOME_JOIN_EVENTS", 100_000))
DOCUMENTS = 200


def metric(device, name):
    for line in device.get("/metrics").splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no metric {name}")


def events_of(device):
    return int(metric(device, "rhizome_events"))


def resident_mb(device):
    with open(f"/proc/{device.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def fill(device):
    documents = [device.post("/api/documents", {"title": f"Note {i}", "text": "begin "})["id"] for i in range(DOCUMENTS)]
    began = time.monotonic()
    write_events(device, documents, -(-(EVENTS - events_of(device)) // DOCUMENTS))
    print(f"    {events_of(device):,} events in {time.monotonic() - began:.1f} s", flush=True)
    check(events_of(device) >= EVENTS, f"only {events_of(device)} events")
    return documents


def kept(writers, text, what):
    check(not writers.errors, f"{what}: a write failed", *writers.errors)
    check(len(writers.acknowledged) > 5, f"{what}: only {len(writers.acknowledged)} writes")
    lost = [mark for mark in writers.acknowledged if mark not in text]
    check(not lost, f"{what}: {len(lost)} acknowledged writes are lost", lost[:5])


def a_device_joins_100_000_events_and_another_leaves_while_others_write():
    with PodFolder(names=("laptop",)) as pod:
        laptop = pod[0]
        document = fill(laptop)[0]
        pod.join("phone")
        phone = pod["phone"]
        wait_for("the phone to have it all", lambda: events_of(phone) >= EVENTS, timeout=120)
        wait_for("the same heads", lambda: phone.status()["frontier"] == laptop.status()["frontier"], timeout=60)
        with Writers(document, [laptop, phone], wait="committed") as committed, \
                Writers(document, [laptop, phone], wait="local") as local:
            time.sleep(0.5)
            began = time.monotonic()
            pod.join("tablet")
            tablet = pod["tablet"]
            wait_for("the newcomer to have it all", lambda: events_of(tablet) >= EVENTS, timeout=120)
            seconds, size = time.monotonic() - began, metric(tablet, "rhizome_net_bytes_in_total")
            pod.voters(3, timeout=60)
            time.sleep(0.5)
        print(f"    the newcomer had {EVENTS:,} events after {seconds:.1f} s (its pairing and start with it), "
              f"{size / 1e6:.1f} MB came in; slowest write: {local.slowest:.2f} s local, {committed.slowest:.2f} s committed; "
              f"memory {resident_mb(tablet):.0f} MB", flush=True)
        check(max(local.slowest, committed.slowest) < ELECTION_S, "a write waited longer than an election",
              local.slowest, committed.slowest)
        wait_for("the same heads", lambda: laptop.status()["frontier"] == tablet.status()["frontier"], timeout=60)
        texts = {each.name: each.text(document) for each in (laptop, phone, tablet)}
        equal(texts["tablet"], texts["laptop"], "the newcomer's text")
        for writers in (local, committed):
            kept(writers, texts["tablet"], "the join")

        gone = next(each for each in tablet.get("/api/devices")["devices"] if each["name"] == "tablet")["id"]
        with Writers(document, [laptop, phone], wait="committed") as committed, \
                Writers(document, [laptop, phone], wait="local") as local:
            time.sleep(0.5)
            laptop.post(f"/api/devices/{gone}/remove", {})
            wait_for("the removed device to stop", lambda: not tablet.alive(), timeout=30)
            # Of two voters one alone is a majority of nobody: the group is as large as an odd number of those left.
            wait_for("the others to go on without it",
                     lambda: all(each.status()["quorum"]["voters"] == 1 for each in (laptop, phone)), timeout=60)
            time.sleep(2)
        print(f"    removal: slowest write {local.slowest:.2f} s local, {committed.slowest:.2f} s committed", flush=True)
        check(max(local.slowest, committed.slowest) < ELECTION_S, "a write waited longer than an election",
              local.slowest, committed.slowest)
        texts = settled([laptop, phone], timeout=120)
        for writers in (local, committed):
            kept(writers, laptop.text(document), "the removal")
        check(texts, "nothing is there")
        check(resident_mb(laptop) < 150, f"{resident_mb(laptop):.0f} MB")


if __name__ == "__main__":
    sys.exit(main(a_device_joins_100_000_events_and_another_leaves_while_others_write, watchdog_s=600))
