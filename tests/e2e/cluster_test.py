#!/usr/bin/env python3
"""Who decides on the order: shown, moved, and begun anew by the owner when the devices that decided are lost."""
import json
import sys

from harness import PodFolder, check, equal, main, readers, rhizome, settled, wait_for


def command(device, *words):
    """The command's JSON, at that device."""
    code, out, err = rhizome(*words, "--data", device.folder, "--json")
    equal(code, 0, f"rhizome {' '.join(words)}: exit code ({out}{err})")
    return json.loads(out)


def leader(devices):
    return next((each for each in devices if each.status()["role"] in ("leader", "alone")), None)


def the_order_is_begun_anew_when_the_majority_is_lost():
    with PodFolder() as pod:
        laptop, others = pod[0], [each for each in pod.devices.values() if each is not pod[0]]
        document = laptop.post("/api/documents?wait=committed", {"title": "kept", "text": "one "})["id"]
        wait_for("three that decide", lambda: laptop.status()["quorum"]["voters"] == 3)
        wait_for("all of them in reach", lambda: laptop.status()["quorum"]["reachable"] == 3)
        code, _, err = rhizome("cluster", "restart", "--yes", "--data", laptop.folder)
        equal(code, 3, "restart while a majority answers: exit code")
        check("majority" in err, "it does not say why not", err)

        for each in others:
            each.kill()
        wait_for("the others to be gone", lambda: not laptop.status()["quorum"]["ok"])
        shown = rhizome("cluster", "status", "--data", laptop.folder)[1]
        check("cluster restart" in shown, "it does not say what can be done", shown)
        laptop.edit(document, [[0, 0, "two "]], "local")
        equal(command(laptop, "cluster", "restart", "--yes")["generation"], 2, "generation")
        laptop.edit(document, [[0, 0, "three "]], "committed")
        status = command(laptop, "cluster", "status")
        equal((status["generation"], status["quorum"]["voters"], status["depends_on_one"]), (2, 1, True), "cluster status")

        for each in others:
            each.start()
        for each in others:
            wait_for(f"{each.name} to follow", lambda: each.status()["generation"] == 2)
        text = settled(readers(pod))[0][2]
        equal(text, "three two one ", "the text after all")


def leadership_moves_when_the_owner_says_so():
    with PodFolder() as pod:
        devices = list(pod.devices.values())
        wait_for("three that decide", lambda: devices[0].status()["quorum"]["voters"] == 3)
        wait_for("a leader", lambda: leader(devices))
        first = leader(devices)
        second = next(each for each in devices if each is not first)
        code, _, err = rhizome("cluster", "transfer", second.name, "--data", second.folder)
        check(code == 1 and first.name in err, "it does not say which device leads", code, err)
        command(first, "cluster", "transfer", second.name)
        wait_for("the other to lead", lambda: leader(devices) is second)
        command(second, "device", "sleep")
        wait_for("it to hand over", lambda: leader(devices) not in (None, second))
        third = leader(devices)
        wait_for("its vote to be given back", lambda: not next(
            each for each in command(third, "cluster", "status")["members"] if each["name"] == second.name)["voter"])


if __name__ == "__main__":
    sys.exit(main(the_order_is_begun_anew_when_the_majority_is_lost, leadership_moves_when_the_owner_says_so))
