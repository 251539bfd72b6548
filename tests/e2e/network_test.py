#!/usr/bin/env python3
"""Where devices listen, how they follow a network that changes, find each other on it, and notice that it is gone.

Each device lives in a network namespace of its own, as in links_test.py; none of them reaches the world.
"""
import contextlib
import signal
import socket
import struct
import subprocess
import sys
import time

from harness import Device, PodFolder, check, equal, main, wait_for
from links_test import Switch

SERVICE = b"\x08_rhizome\x04_udp\x05local\x00"


class Placed(Device):
    """A device in a namespace, which decides by itself where it listens."""
    switch, names, more = None, (), ()

    def __init__(self, name, folder):
        self.place = self.switch.places[self.names.index(name)]
        super().__init__(name, folder, 4848, None, self.more)

    def run(self, *words, **more):
        with self.place.inside():
            return super().run(*words, **more)

    def start(self, timeout=20):
        with self.place.inside():
            return super().start(timeout)

    def call(self, *words, **more):
        with self.place.inside():
            return super().call(*words, **more)

    def listening(self):
        """The addresses with an open TCP port, but the page's."""
        with self.place.inside():
            lines = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout.splitlines()
        return sorted(line.split()[3] for line in lines if not line.split()[3].endswith(":4848"))

    def sees(self, other):
        return next(each for each in self.get("/api/devices")["devices"] if each["name"] == other.name)

    def move(self, old, new):
        self.place.ip("addr", "del", f"{old}/24", "dev", "cable")  # First: the first address takes others with it.
        self.place.ip("addr", "add", f"{new}/24", "dev", "cable")


@contextlib.contextmanager
def pod_on_a_switch(*names, options=()):
    switch = Switch(len(names))
    try:
        make = type("Here", (Placed,), {"switch": switch, "names": names, "more": options})
        with PodFolder((), make=make) as pod:
            for number, name in enumerate(names):
                with switch.places[number].inside():
                    pod.join(name)
            yield switch, pod, [pod[name] for name in names]
    finally:
        switch.close()


def together(*devices, timeout=20):
    wait_for("the devices to be in reach of each other",
             lambda: all(one.sees(other)["online"] for one in devices for other in devices if one is not other), timeout)


def edits_travel(one, other):
    document = one.post("/api/documents?wait=local", {"title": f"at {time.monotonic()}", "text": "x"})["id"]
    wait_for("an edit to travel", lambda: other.text(document) == "x", 20)


def all_interfaces_once_there_is_a_second_device():
    with pod_on_a_switch("laptop") as (_, pod, (laptop,)):
        equal(laptop.listening(), ["127.0.0.1:4868"], "where a device alone listens")
        invite = laptop.post("/api/devices/invite", {"kind": "personal"})
        equal(laptop.listening(), ["0.0.0.0:4868", "[::]:4868"], "where it listens while a code is open")
        equal(invite["addresses"], ["/ip4/10.9.0.1/tcp/4868"], "what the code says of it")
        laptop.call("DELETE", "/api/devices/invite")
        wait_for("it to be alone again", lambda: laptop.listening() == ["127.0.0.1:4868"], 10)
    with pod_on_a_switch("laptop", "phone") as (_, pod, devices):
        together(*devices)
        for number, device in enumerate(devices):
            equal(device.listening(), ["0.0.0.0:4868", "[::]:4868"], f"where the {device.name} listens")
            equal(device.status()["addresses"], [f"/ip4/10.9.0.{number + 1}/tcp/4868"], "what it tells")
            others = devices[1 - number].sees(device)["addresses"]
            equal(others, device.status()["addresses"], "what the other was told")
        edits_travel(*devices)


def the_owners_word_comes_first():
    with pod_on_a_switch("laptop", "phone", options=("--listen", "/ip4/0.0.0.0/tcp/4990")) as (_, pod, devices):
        together(*devices)
        equal(devices[0].listening(), ["0.0.0.0:4990"], "where it listens")
        equal(devices[0].status()["addresses"], ["/ip4/10.9.0.1/tcp/4990"], "what it tells: no 0.0.0.0")


def an_address_that_changes_is_followed():
    with pod_on_a_switch("laptop", "phone") as (switch, pod, (laptop, phone)):
        together(laptop, phone)
        laptop.move("10.9.0.1", "10.9.0.77")
        began = time.monotonic()
        wait_for("the phone to know the laptop's new address",
                 lambda: phone.sees(laptop)["addresses"] == ["/ip4/10.9.0.77/tcp/4868"], 20)
        check(time.monotonic() - began < 10, f"that took {time.monotonic() - began:.1f} s")
        together(laptop, phone)
        edits_travel(laptop, phone)
        edits_travel(phone, laptop)
        # A second address, IPv6: told beside the first.
        laptop.place.ip("addr", "add", "fd00::7/64", "dev", "cable", "nodad")
        wait_for("the IPv6 address too", lambda: phone.sees(laptop)["addresses"] == [
            "/ip4/10.9.0.77/tcp/4868", "/ip6/fd00::7/tcp/4868"], 20)
        # After a restart nothing of it is forgotten.
        phone.stop()
        phone.start()
        together(laptop, phone)


def both_move(devices):
    for device in devices:
        device.stop()
    devices[0].move("10.9.0.1", "10.9.0.101")
    devices[1].move("10.9.0.2", "10.9.0.102")
    for device in devices:
        device.start()


def stale_addresses_are_no_end_where_discovery_is_on():
    with pod_on_a_switch("laptop", "phone") as (_, pod, devices):
        together(*devices)
        both_move(devices)
        time.sleep(6)
        check(not devices[0].sees(devices[1])["online"], "they found each other without discovery: the test shows nothing")
        for device in devices:
            device.stop()
            device.options = ["--discover"]
            device.start()
        together(*devices, timeout=20)
        edits_travel(*devices)
        equal(devices[0].sees(devices[1])["addresses"], ["/ip4/10.9.0.102/tcp/4868"], "what is known from now on")


def ask_by_mdns(place, own, seconds):
    """What answers to a query in that namespace: a list of datagrams."""
    with place.inside():
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("224.0.0.251", 5353))
        address = socket.inet_aton(own)
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", socket.inet_aton("224.0.0.251"), address))
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, address)
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        query = bytes.fromhex("000000000001000000000000") + SERVICE + b"\0\x0c\0\1"
        got = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            listener.sendto(query, ("224.0.0.251", 5353))
            listener.settimeout(0.6)
            with contextlib.suppress(TimeoutError):
                while True:
                    data = listener.recv(9000)
                    if data[2] & 0x80:
                        got.append(data)
        listener.close()
    return got


def a_network_learns_nothing_but_an_address():
    with pod_on_a_switch("laptop", "phone", options=("--discover",)) as (switch, pod, (laptop, phone)):
        together(laptop, phone)
        switch.hub.ip("addr", "add", "10.9.0.200/24", "dev", "hub")
        laptop.post("/api/documents?wait=local", {"title": "Secret title", "text": "secret text"})
        answers = ask_by_mdns(switch.hub, "10.9.0.200", 4)
        check(len(answers) >= 4, f"{len(answers)} answers to some queries")
        names = set()
        status = laptop.status()
        private = [status["peer_id"], status["did"], status["device_id"], status["device_id"][:12], "laptop", "phone",
                   "ecret", pod.folder.name, laptop.token]
        for answer in answers:
            for each in private:
                check(each.encode() not in answer, f"an answer holds {each[:12]}")
            names.add(answer[answer.index(b"\x20") + 1:][:32])
            check(b"at=/ip4/10.9.0." in answer, "no address", answer)
        equal(len(names), len(answers), "names: a new one with every answer")
        # Without the option nobody answers.
        for device in (laptop, phone):
            device.stop()
            device.options = []
            device.start()
        equal(ask_by_mdns(switch.hub, "10.9.0.200", 2), [], "answers without --discover")


def segments_sent(device):
    with device.place.inside(), open("/proc/thread-self/net/snmp", encoding="ascii") as file:
        head, values = [line.split() for line in file if line.startswith("Tcp:")]
    return int(values[head.index("OutSegs")])


def silence_is_silent_and_a_cut_is_noticed():
    with pod_on_a_switch("laptop", "phone") as (switch, pod, (laptop, phone)):
        together(laptop, phone)
        edits_travel(laptop, phone)
        time.sleep(3)
        before = segments_sent(phone)
        time.sleep(8)
        sent = segments_sent(phone) - before
        check(sent == 0, f"an idle device sent {sent} segments in 8 seconds")
        # The own cable: seen at once, and taken up again at once.
        laptop.place.ip("link", "set", "cable", "down")
        wait_for("the laptop to notice its own cable", lambda: not laptop.sees(phone)["online"], 10)
        laptop.place.ip("link", "set", "cable", "up")
        together(laptop, phone, timeout=30)
    with pod_on_a_switch("laptop", "phone", options=("--idle-probe", "2")) as (switch, pod, (laptop, phone)):
        together(laptop, phone)
        # Somewhere in between: both ends still have a carrier, and nothing is written.
        switch.hub.ip("link", "set", "port1", "nomaster")
        began = time.monotonic()
        wait_for("both to notice", lambda: not laptop.sees(phone)["online"] and not phone.sees(laptop)["online"], 60)
        check(time.monotonic() - began < 45, f"a silent cut was noticed after {time.monotonic() - began:.0f} s")
        switch.hub.ip("link", "set", "port1", "master", "hub")
        together(laptop, phone, timeout=30)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(main(all_interfaces_once_there_is_a_second_device, the_owners_word_comes_first,
                  an_address_that_changes_is_followed, stale_addresses_are_no_end_where_discovery_is_on,
                  a_network_learns_nothing_but_an_address, silence_is_silent_and_a_cut_is_noticed, watchdog_s=400))
