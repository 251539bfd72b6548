#!/usr/bin/env python3
"""A device with a new key: real daemons, real commands. Alone, with others in reach and out of it, and killed in between."""
import json
import sys

from harness import PodFolder, check, equal, main, rhizome, settled, wait_for


def command(device, *words, stdin=None):
    """(exit code, JSON)."""
    code, out, err = rhizome("device", *words, "--data", device.folder, "--json", stdin=stdin)
    lines = [line for line in out.splitlines() if line.strip()]
    return code, json.loads(lines[-1]) if lines else {"stderr": err}


def peer_id(device):
    """By the command, as a person sees it; none while it begins anew."""
    code, out, _ = rhizome("status", "--data", device.folder, "--json")
    return json.loads(out)["peer_id"] if code == 0 else None


def has_another(device, before):
    wait_for(f"{device.name} under another key", lambda: peer_id(device) not in (None, before))
    return peer_id(device)


def one_whole_pod(devices, document):
    """Each edit arrives everywhere and is committed, and each device sees each other one, once."""
    for device in devices:
        wait_for(f"{device.name} to see the others",
                 lambda device=device: sorted(d["peer_id"] for d in device.get("/api/devices")["devices"] if d["online"])
                 == sorted(each.status()["peer_id"] for each in devices))
    for device in devices:
        device.edit(document, [[0, 0, device.name[0]]], "committed")
    settled(devices)
    for device in devices:
        equal(device.status()["devices"], len(devices), "devices in the pod")
        equal(device.status()["set_aside"], 0, "events set aside")


def a_pod_of_one():
    with PodFolder(("laptop",)) as pod:
        laptop = pod[0]
        document = laptop.post("/api/documents?wait=committed", {"title": "t", "text": "before"})["id"]
        before, url, key = peer_id(laptop), laptop.url, (laptop.folder / "device.key").read_text()
        equal(command(laptop, "rotate"), (0, {"done": "rotate"}), "the command")
        after = has_another(laptop, before)
        check(laptop.alive() and laptop.url == url, "the process and its page")
        laptop.edit(document, [[0, 0, "and "]], "committed")
        equal(laptop.text(document), "and before", "the text")
        # Nothing is readable with the old key alone, before long.
        wait_for("the old key to be dropped", lambda: not (laptop.folder / "device.key.old").exists())
        check(not (laptop.folder / "device.key.next").exists(), "a next key is left")
        held = "".join(path.read_text(errors="replace") for path in laptop.folder.glob("device.key*"))
        check(key.strip() not in held, "the old key is in the folder")
        laptop.kill()
        laptop.start()
        equal((peer_id(laptop), laptop.text(document)), (after, "and before"), "after a restart")
        laptop.edit(document, [[0, 0, "x"]], "committed")
        code, out, _ = rhizome("device", "rotate", "--help")
        check(code == 0 and "Examples" in out and "--paper" in out, "device rotate --help", out)


def the_others_know_it_again():
    with PodFolder(("laptop", "phone", "cloud")) as pod:
        laptop, phone, cloud = pod[0], pod[1], pod[2]
        document = laptop.post("/api/documents?wait=committed", {"title": "t", "text": ""})["id"]
        settled([laptop, phone])
        before = laptop.status()["peer_id"]
        # The phone is off when it happens, and the cloud peer sees it.
        phone.kill()
        equal(command(laptop, "rotate")[0], 0, "the command")
        has_another(laptop, before)
        laptop.edit(document, [[0, 0, "meanwhile "]], "committed")
        phone.start()
        for device in (laptop, phone):
            wait_for("both texts", lambda device=device: device.text(document) == "meanwhile ")
        names = sorted(d["name"] for d in phone.get("/api/devices")["devices"])
        equal(names, ["cloud", "laptop", "phone"], "the devices on the phone")
        for device in (laptop, phone):
            device.edit(document, [[0, 0, device.name[0]]], "committed")
        settled([laptop, phone])
        # Nobody else is in reach: it tells them itself who it is.
        before = laptop.status()["peer_id"]
        phone.kill()
        cloud.kill()
        equal(command(laptop, "rotate")[0], 0, "the command")
        has_another(laptop, before)
        laptop.kill()
        laptop.start()
        cloud.start()
        phone.start()
        wait_for("the phone to know it", lambda: laptop.status()["peer_id"] in
                 [d["peer_id"] for d in phone.get("/api/devices")["devices"] if d["online"]], 60)
        for device in (laptop, phone):
            device.edit(document, [[0, 0, device.name[0]]], "committed")
        settled([laptop, phone])


def asked_of_the_others_and_killed_at_once():
    with PodFolder(("laptop", "phone")) as pod:
        laptop, phone = pod[0], pod[1]
        document = laptop.post("/api/documents?wait=committed", {"title": "t", "text": "before"})["id"]
        settled([laptop, phone])
        # The phone is not established: it asks the laptop, and is written on meanwhile.
        before = phone.status()["peer_id"]
        code, answer = command(phone, "rotate")
        equal(code, 5, "exit code of what waits for a yes")
        phone.edit(document, [[0, 0, "meanwhile "]], "local")
        question = wait_for("the question", lambda: [
            r for r in laptop.get("/api/devices/requests")["requests"] if r["details_here"]])[0]
        equal((question["what"], question["text"]), ("rotate", "phone asks for a new key"), "the question")
        equal(command(laptop, "approve", answer["request"][:12])[0], 0, "the yes")
        has_another(phone, before)
        for device in (laptop, phone):
            wait_for("what was written meanwhile", lambda device=device: device.text(document) == "meanwhile before")
        one_whole_pod([laptop, phone], document)
        # kill -9 right after the command says that it is done.
        for _ in range(3):
            before = laptop.status()["peer_id"]
            equal(command(laptop, "rotate"), (0, {"done": "rotate"}), "the command")
            laptop.kill()
            laptop.start()
            check(has_another(laptop, before) != before, "the key after a restart")
            one_whole_pod([laptop, phone], document)


if __name__ == "__main__":
    sys.exit(main(a_pod_of_one, the_others_know_it_again, asked_of_the_others_and_killed_at_once))
