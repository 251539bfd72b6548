#!/usr/bin/env python3
"""A second device's yes, the paper key, news for devices that were shut out, and leaving: real daemons, real commands.

Only the first device is established here, since the others become so after seven days; those days are tested under a
virtual clock (src/pod/consent_test.cc). What needs one other yes needs it here too: a new device asks the laptop.
"""
import json
import sys
import time

from harness import PodFolder, check, equal, main, rhizome, wait_for


def command(device, *words, stdin=None):
    """(exit code, JSON)."""
    code, out, err = rhizome("device", *words, "--data", device.folder, "--json", stdin=stdin)
    lines = [line for line in out.splitlines() if line.strip()]
    return code, json.loads(lines[-1]) if lines else {"stderr": err}


def requests(device):
    return device.get("/api/devices/requests")["requests"]


def names(device):
    return sorted(each["name"] for each in device.get("/api/devices")["devices"])


def ended(device, timeout=60):
    wait_for(f"{device.name} to stop", lambda: not device.alive(), timeout)
    check(not (device.folder / "device.key").exists(), f"{device.name} kept its key")


def asked_of_another_device():
    with PodFolder(("laptop", "phone", "tablet")) as pod:
        laptop, phone, tablet = pod[0], pod[1], pod[2]
        code, answer = command(phone, "remove", "tablet")
        equal(code, 5, "exit code of what waits for a yes")
        check(answer["done"] is None and "1 more of your devices" in answer["missing"], "what is missing", answer)
        question = wait_for("the question on the laptop", lambda: [r for r in requests(laptop) if r["details_here"]])[0]
        equal(question["id"], answer["request"], "the request")
        equal(question["text"], "phone asks to remove tablet for good", "the question")
        check(question["may_answer"] and not question["mine"] and question["left_out"] == 0, "the question", question)
        alarms = laptop.get("/api/devices")["alarms"]
        check(any(a["action"] == "answer" and "tablet" in a["text"] for a in alarms), "no alarm on the laptop", alarms)
        equal(laptop.status()["requests"], 1, "requests in the status")
        # No, taken back, asked again, and a restart of both in between.
        equal(command(laptop, "decline", "tablet"), (0, {"request": question["id"], "done": "decline"}), "a no")
        wait_for("the no on the phone", lambda: requests(phone)[0]["no"] == ["laptop"])
        equal(command(phone, "withdraw", "tablet")[0], 0, "taking it back")
        wait_for("it to be gone", lambda: not requests(laptop))
        equal(command(laptop, "approve", "tablet")[0], 1, "exit code of a yes to nothing")
        equal(command(phone, "remove", "tablet")[0], 5, "asking again")
        for device in (phone, laptop):
            device.kill()
        laptop.start()
        phone.start()
        wait_for("the question after a restart", lambda: [r for r in requests(laptop) if r["details_here"]])
        code, out, _ = rhizome("device", "requests", "--data", laptop.folder)
        check(code == 0 and "phone asks to remove tablet for good" in out and "approve" in out, "device requests", out)
        equal(command(laptop, "approve", "tablet")[0], 0, "the yes")
        wait_for("the removal", lambda: names(laptop) == names(phone) == ["laptop", "phone"])
        ended(tablet)
        equal(requests(laptop) + requests(phone), [], "requests afterwards")
        document = phone.post("/api/documents?wait=committed", {"title": "after", "text": "x"})["id"]
        wait_for("the two to go on", lambda: any(d["id"] == document for d in laptop.documents()))


def whom_the_others_shut_out_hears_of_it():
    with PodFolder(("laptop", "phone", "tablet")) as pod:
        laptop, phone, tablet = pod[0], pod[1], pod[2]
        document = laptop.post("/api/documents?wait=committed", {"title": "t", "text": "before"})["id"]
        wait_for("the text everywhere", lambda: phone.text(document) == tablet.text(document) == "before")
        # Offline while it is suspended: it hears of it when it comes back, and syncs again once that is lifted.
        phone.kill()
        equal(command(laptop, "suspend", "phone")[0], 0, "suspending")
        laptop.edit(document, [[0, 0, "SECRET "]], "local")
        phone.start()
        wait_for("the phone to know", lambda: any(a["id"] == "suspended" for a in phone.get("/api/devices")["alarms"]))
        time.sleep(2)
        equal(phone.text(document), "before", "what a suspended device has")
        equal(command(phone, "lift", "phone")[0], 3, "exit code where a suspended device asks")
        equal(command(laptop, "lift", "phone"), (0, {"device": phone.status()["device_id"], "done": "lift"}), "lifting")
        wait_for("the phone to catch up", lambda: phone.text(document) == "SECRET before")
        # Suspended first, offline, then removed.
        equal(command(laptop, "suspend", "tablet")[0], 0, "suspending")
        tablet.kill()
        equal(command(laptop, "remove", "tablet")[0], 0, "removing")
        check((tablet.folder / "device.key").exists(), "the key of a device that has not heard yet")
        tablet.start()
        ended(tablet)
        code, out, err = rhizome("up", "--data", tablet.folder, "--http", 0)
        check(code != 0, "a removed device starts", out, err)


def the_paper_key_removes_and_is_kept_nowhere():
    with PodFolder(("laptop", "phone", "tablet")) as pod:
        laptop, phone, tablet = pod[0], pod[1], pod[2]
        words = laptop.get("/api/paper")["words"]
        laptop.post("/api/paper/confirm", {"words": {str(i): words[i] for i in (2, 10, 19)}})
        wrong = list(words)
        wrong[0], wrong[1] = wrong[1], wrong[0]
        equal(command(phone, "remove", "tablet", "--paper", " ".join(wrong))[0], 3, "exit code with mistyped words")
        equal(command(phone, "remove", "tablet", "--paper", "-", stdin="")[0], 3, "exit code without words")
        equal(requests(phone), [], "a request in spite of the paper")
        equal(command(phone, "remove", "tablet", "--paper", "-", stdin=" ".join(words) + "\n")[0], 0, "with the paper")
        wait_for("the removal", lambda: names(laptop) == names(phone) == ["laptop", "phone"])
        ended(tablet)
        for device in (laptop, phone):
            device.kill()
        phrases = [" ".join(words[i:i + 3]).encode() for i in range(22)]
        for path in list(pod.folder.rglob("*")):
            if path.is_file():
                held = path.read_bytes()
                check(not any(phrase in held for phrase in phrases), f"words of the paper key in {path}")


def leaving():
    with PodFolder(("laptop", "phone", "tablet")) as pod:
        laptop, phone, tablet = pod[0], pod[1], pod[2]
        # The one that decides for the pod needs the paper to go: nobody else is established yet.
        equal(command(laptop, "leave")[0], 3, "exit code where nobody would be left to decide")
        code, answer = command(tablet, "leave")
        equal(code, 5, "leaving is asked")
        wait_for("the question", lambda: [r for r in requests(laptop) if r["details_here"]])
        equal(command(laptop, "approve", answer["request"][:12])[0], 0, "the yes")
        ended(tablet)
        wait_for("the others to know", lambda: names(laptop) == names(phone) == ["laptop", "phone"])


def commands_explain_themselves():
    for name in ("requests", "approve", "decline", "withdraw", "lift", "leave", "decide"):
        code, out, _ = rhizome("device", name, "--help")
        check(code == 0 and "rhizome device " + name in out and "xample" in out, f"device {name} --help", out)
    with PodFolder(("laptop",)) as pod:
        code, out, _ = rhizome("device", "requests", "--data", pod[0].folder)
        equal((code, out), (0, "Nothing waits for a yes.\n"), "no requests")
        equal(command(pod[0], "requests"), (0, {"requests": []}), "no requests, as JSON")
        equal(command(pod[0], "decide"), (0, {"rivals": []}), "no contest")
        equal(command(pod[0], "approve", "x")[0], 1, "approving nothing")
        equal(command(pod[0], "leave")[0], 3, "the last device leaves")
        equal(rhizome("device", "approve")[0], 2, "usage")


if __name__ == "__main__":
    sys.exit(main(asked_of_another_device, whom_the_others_shut_out_hears_of_it,
                  the_paper_key_removes_and_is_kept_nowhere, leaving, commands_explain_themselves))
