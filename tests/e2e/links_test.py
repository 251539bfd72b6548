#!/usr/bin/env python3
"""Three devices edit the same documents while their links are cut and healed; afterwards all three are equal.

Each device lives in a network namespace of its own, with a cable to a switch in a fourth one: all made here, gone with
their processes, and none of them reaches the world. Where that is not permitted, devices are frozen instead.
"""
import contextlib
import ctypes
import os
import random
import signal
import subprocess
import sys
import time

from harness import (ELECTION_S, Device, DeviceError, PodFolder, Skipped, check, equal, main, resume, settled, suspend,
                     wait_for)

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network of its own, held by a process that does nothing else."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        if self.holder.stdout.readline() != b"ready\n":
            self.close()
            raise Skipped("network namespaces can't be made here")
        self.descriptor = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)

    @contextlib.contextmanager
    def inside(self):
        """This thread, and the sockets and processes it makes meanwhile, are in the namespace."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            check(LIBC.setns(self.descriptor, CLONE_NEWNET) == 0, "setns", os.strerror(ctypes.get_errno()))
            yield
        finally:
            LIBC.setns(here, CLONE_NEWNET)
            os.close(here)

    def ip(self, *words):
        with self.inside():
            done = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True)
        if done.returncode != 0:
            raise Skipped(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


class Switch:
    """A bridge and the cables plugged into it."""

    def __init__(self, places):
        self.hub, self.places = Namespace(), []
        try:
            self.hub.ip("link", "add", "hub", "type", "bridge")
            self.hub.ip("link", "set", "hub", "up")
            for number in range(places):
                place = Namespace()
                self.places.append(place)
                self.hub.ip("link", "add", f"port{number}", "type", "veth", "peer", "name", "cable", "netns",
                            place.holder.pid)
                self.hub.ip("link", "set", f"port{number}", "master", "hub", "up")
                place.ip("addr", "add", f"10.9.0.{number + 1}/24", "dev", "cable")
                place.ip("link", "set", "cable", "up")
                place.ip("link", "set", "lo", "up")
        except BaseException:
            self.close()
            raise

    def cut(self, number):
        self.hub.ip("link", "set", f"port{number}", "down")

    def heal(self, number):
        self.hub.ip("link", "set", f"port{number}", "up")

    def close(self):
        for place in self.places:
            place.close()
        self.hub.close()


def inside_of(switch, names):
    """Devices of which each lives in its own namespace."""
    class Placed(Device):
        def __init__(self, name, folder):
            self.number = names.index(name)
            self.place = switch.places[self.number]
            super().__init__(name, folder, 4848, f"/ip4/10.9.0.{self.number + 1}/tcp/4868")

        def start(self, timeout=20):
            with self.place.inside():
                return super().start(timeout)

        def call(self, *words, **more):
            with self.place.inside():
                return super().call(*words, **more)

    return Placed


class Typist:
    """Edits texts as people do: short words at any place, now and then something deleted."""

    def __init__(self, seed, documents):
        self.chance, self.documents, self.made = random.Random(seed), documents, []

    def edit(self, device):
        document = self.chance.choice(self.documents)
        length = len(device.text(document))
        at = self.chance.randrange(length + 1)
        if length > 40 and self.chance.random() < 0.3:
            changes = [[min(at, length - 3), 3, ""]]
        else:
            changes = [[at, 0, self.chance.choice(["alpha ", "bé", "🙂", "\n", "word "])]]
        device.edit(document, changes, "local")


def edit_through(pod, cut, heal, rounds, seed):
    documents = [pod[0].post("/api/documents?wait=committed", {"title": f"d{i}", "text": "start "})["id"] for i in range(2)]
    settled(pod.running())
    typist = Typist(seed, documents)
    for number in range(rounds):
        away = typist.chance.sample(range(3), typist.chance.choice((1, 1, 2, 3)))
        for each in away:
            cut(each)
        for _ in range(6):
            for device in pod.devices.values():
                try:
                    typist.edit(device)
                except DeviceError as error:
                    check("position_out_of_range" in str(error), f"an edit while cut off failed (seed {seed})", error)
        if number % 2:
            time.sleep(typist.chance.random() * 2)
        for each in away:
            heal(each)
        if number % 2 == 0:
            settled(pod.running(), timeout=40)
    texts = settled(pod.running(), timeout=40)
    equal(len(texts), 2, "documents")
    began = time.monotonic()
    pod[0].edit(documents[0], [[0, 0, "end"]], "committed")
    check(time.monotonic() - began < ELECTION_S, "a write after healing waited too long")
    pod.voters(3)


def links_between_namespaces_are_cut_and_healed():
    names = ("laptop", "phone", "tablet")
    switch = Switch(3)
    try:
        # Pairing needs the newcomer's program in its namespace too: `pair` starts it from this thread.
        with PodFolder((), make=inside_of(switch, names)) as pod:
            for name in names:
                with switch.places[names.index(name)].inside():
                    pod.join(name)
            pod.voters(3)
            edit_through(pod, switch.cut, switch.heal, 6, seed=31)
    finally:
        switch.close()


def devices_are_frozen_and_wake():
    with PodFolder(("laptop", "phone", "tablet")) as pod:
        document = pod[0].post("/api/documents?wait=committed", {"title": "d", "text": "start "})["id"]
        settled(pod.running())
        for number in range(3):
            suspend(pod[number])
            for index, device in enumerate(pod.devices.values()):
                if index == number:
                    continue
                began = time.monotonic()
                device.edit(document, [[0, 0, f"{device.name}{number} "]], "committed")
                check(time.monotonic() - began < ELECTION_S, f"a write with {pod[number].name} frozen waited too long")
            resume(pod[number])
        text = settled(pod.running())[0][2]
        for number in range(3):
            equal(sum(text.count(f"{device.name}{number} ") for device in pod.devices.values()), 2, f"words of round {number}")


def a_device_cut_off_alone_still_reads_and_writes():
    names = ("laptop", "phone", "tablet")
    switch = Switch(3)
    try:
        with PodFolder((), make=inside_of(switch, names)) as pod:
            for name in names:
                with switch.places[names.index(name)].inside():
                    pod.join(name)
            pod.voters(3)
            document = pod[0].post("/api/documents?wait=committed", {"title": "d", "text": "together"})["id"]
            settled(pod.running())
            switch.cut(2)
            pod["tablet"].edit(document, [[8, 0, " alone"]], "local")
            equal(pod["tablet"].text(document), "together alone", "what the lonely device reads")
            equal(pod["tablet"].get(f"/api/documents/{document}")["state"], "local", "what it claims")
            pod["laptop"].edit(document, [[0, 0, "still "]], "committed")
            switch.heal(2)
            equal(settled(pod.running(), 30)[0][2], "still together alone", "what all read afterwards")
            wait_for("it to be committed", lambda: pod["tablet"].get(f"/api/documents/{document}")["state"] == "committed")
    finally:
        switch.close()


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(main(links_between_namespaces_are_cut_and_healed, devices_are_frozen_and_wake,
                  a_device_cut_off_alone_still_reads_and_writes))
