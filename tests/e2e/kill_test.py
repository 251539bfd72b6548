#!/usr/bin/env python3
"""Any device is killed with -9 at any moment; the others go on, it comes back and catches up, nothing acknowledged is
lost. Devices join and leave while others write; no write waits longer than an election."""
import os
import random
import sys
import time

from harness import ELECTION_S, DeviceError, PodFolder, Writers, check, equal, main, readers, settled, wait_for

ROUNDS = int(os.environ.get("RHIZOME_KILL_ROUNDS", "8"))


def any_device_is_killed_at_any_moment():
    seed = int(os.environ.get("RHIZOME_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"  seed {seed} (RHIZOME_SEED={seed} repeats it)", flush=True)
    chance = random.Random(seed)
    with PodFolder() as pod:
        document = pod[0].post("/api/documents?wait=committed", {"title": "kept", "text": ""})["id"]
        settled(readers(pod))
        acknowledged = []
        for number in range(ROUNDS):
            victim = chance.choice(list(pod.devices.values()))
            with Writers(document, readers(pod), wait="local") as writers:
                time.sleep(chance.random() * 0.5)
                victim.kill()
                time.sleep(0.1)
            acknowledged += writers.acknowledged
            others = [each for each in readers(pod) if each is not victim]
            for each in others:
                began = time.monotonic()
                mark = f"<after {number} {each.name}>"
                each.edit(document, [[0, 0, mark]], "committed")
                waited = time.monotonic() - began
                check(waited < ELECTION_S, f"round {number}: a write took {waited:.1f} s after {victim.name} was killed")
                acknowledged.append(mark)
            victim.start()
            if number % 2:
                text = settled(readers(pod), timeout=40)[0][2]
                missing = [each for each in acknowledged if each not in text]
                check(not missing, f"round {number}, {victim.name} killed: acknowledged and gone", missing[:5])
        text = settled(readers(pod), timeout=40)[0][2]
        equal([each for each in acknowledged if each not in text], [], "acknowledged and gone at the end")
        check(len(acknowledged) > 2 * ROUNDS, "too little was written to test anything", len(acknowledged))
        wait_for("the blind one to have caught up", lambda: pod["cloud"].status()["events"] == pod[0].status()["events"])


def stop_all_and_start_again():
    with PodFolder() as pod:
        for number in range(20):
            pod[number % 2].post("/api/documents?wait=local", {"title": f"note {number}", "text": f"text {number} é🙂\n" * 20})
        before = settled(readers(pod))
        equal(len(before), 20, "documents")
        began = time.monotonic()
        codes = [device.stop() for device in pod.devices.values()]
        equal(codes, [0, 0, 0], "exit codes of a stop")
        check(time.monotonic() - began < 6, "stopping took too long")
        for device in pod.devices.values():
            device.start()
        equal(settled(readers(pod)), before, "the texts after a restart")
        document = before[0][0]
        pod[0].edit(document, [[0, 0, "again "]], "committed")
        check(settled(readers(pod))[0][2].startswith("again "), "a write after the restart")


def joins_and_removals_while_others_write():
    with PodFolder(("laptop", "phone", "tablet")) as pod:
        document = pod[0].post("/api/documents?wait=committed", {"title": "busy", "text": ""})["id"]
        settled(pod.running())
        stay = [pod["laptop"], pod["phone"]]
        with Writers(document, stay) as writers:
            time.sleep(0.5)
            pod.join("newcomer")
            wait_for("the newcomer to have the text", lambda: len(pod["newcomer"].text(document)) > 50)
            pod["laptop"].post(f"/api/devices/{pod['tablet'].status()['device_id']}/suspend")
            wait_for("the suspension to be known", lambda: any(
                each["name"] == "tablet" and each["suspended"] for each in pod["phone"].get("/api/devices")["devices"]))
            time.sleep(1)
            suspended = True
            pod["tablet"].kill()
            time.sleep(1)
        check(suspended and not writers.errors, "a writer failed", writers.errors)
        check(writers.slowest < ELECTION_S, f"a write waited {writers.slowest:.1f} s")
        check(len(writers.acknowledged) > 20, "too few writes", len(writers.acknowledged))
        stay.append(pod["newcomer"])
        text = settled(stay)[0][2]
        equal([each for each in writers.acknowledged if each not in text], [], "acknowledged and gone")
        # What is written from now on is not for the suspended device: neither its text nor its events.
        pod["laptop"].edit(document, [[0, 0, "SECRET"]], "committed")
        pod["tablet"].start()
        time.sleep(2)
        check("SECRET" not in pod["tablet"].text(document), "a suspended device still gets news")


def a_minority_reads_and_writes_and_says_so():
    with PodFolder() as pod:
        document = pod[0].post("/api/documents?wait=committed", {"title": "t", "text": "x"})["id"]
        settled(readers(pod))
        pod["phone"].kill()
        pod["cloud"].kill()
        pod["laptop"].edit(document, [[0, 0, "alone "]], "local")
        equal(pod["laptop"].text(document), "alone x", "reading alone")
        wait_for("it to say that too few are there", lambda: not pod["laptop"].status()["quorum"]["ok"])
        try:
            pod["laptop"].edit(document, [[0, 0, "?"]], "committed")
            check(False, "a write was called committed without a quorum")
        except DeviceError as error:
            check("504" in str(error) and "unknown_outcome" in str(error), "the answer without a quorum", error)
        pod["phone"].start()
        began = time.monotonic()
        wait_for("the order to go on", lambda: pod["laptop"].get(f"/api/documents/{document}")["state"] == "committed", 20)
        check(time.monotonic() - began < 2 * ELECTION_S, "the pod was slow to recover")
        equal(settled([pod["laptop"], pod["phone"]])[0][2], "?alone x", "the text afterwards")


if __name__ == "__main__":
    sys.exit(main(any_device_is_killed_at_any_moment, stop_all_and_start_again, joins_and_removals_while_others_write,
                  a_minority_reads_and_writes_and_says_so))
