#!/usr/bin/env python3
"""Codes: wrong, used, withdrawn, declined; each a clear error and its exit code; a right one still works afterwards."""
import json
import subprocess
import sys

from harness import BINARY, Device, PodFolder, check, equal, main, pair, rhizome, wait_for


def join(pod, name, code, *more):
    exit_code, out, _ = rhizome("join", code, "--at", pod[0].addresses[0], "--name", name, "--data", pod.folder / name,
                                "--json", *more)
    return exit_code, json.loads(out.splitlines()[-1]) if out.strip() else {}


def refused(result, what, codes=(1, 3)):
    exit_code, answer = result
    check(exit_code in codes, f"{what}: exit code {exit_code}", answer)
    check(len(answer.get("error", {}).get("message", "")) > 10, f"{what}: no clear message", answer)
    check("state" not in answer, f"{what}: it got in", answer)


def other_code(code):
    """The same code with its last digit of substance changed."""
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    at = max(i for i in range(len(code) - 3) if code[i].upper() in alphabet)
    return code[:at] + alphabet[(alphabet.index(code[at].upper()) + 1) % 32] + code[at + 1:]


def wrong_used_and_withdrawn_codes_are_refused():
    with PodFolder(("laptop",)) as pod:
        code = pod[0].post("/api/devices/invite", {"kind": "personal"})["code"]
        refused(join(pod, "a", "nonsense"), "no code at all", (2, 3))
        refused(join(pod, "a", code[:-4]), "a truncated code", (2, 3))
        refused(join(pod, "b", other_code(code)), "a wrong code")
        # A mistyped code told by its checksum costs nothing; drawn anew, a foreign one is refused by the inviter.
        pod[0].call("DELETE", "/api/devices/invite")
        refused(join(pod, "c", code), "a withdrawn code")
        invite = pair(pod[0], Device("phone", pod.folder / "phone"))
        refused(join(pod, "d", invite["code"]), "a used code")
        equal(pod[0].status()["devices"], 2, "devices after all that")
        check(not (pod.folder / "d/device.key").exists() or rhizome("up", "--data", pod.folder / "d")[0] != 0,
              "a refused device can start")


def foreign_codes_are_refused():
    with PodFolder(("laptop",)) as pod, PodFolder(("other",)) as other:
        foreign = other[0].post("/api/devices/invite", {"kind": "personal"})["code"]
        refused(join(pod, "x", foreign), "a code while no invitation is open")
        pod[0].post("/api/devices/invite", {"kind": "personal"})
        refused(join(pod, "y", foreign), "another pod's code")
        equal(pod[0].status()["devices"], 1, "devices")


def declined_by_the_owner():
    with PodFolder(("laptop",)) as pod:
        code = pod[0].post("/api/devices/invite", {"kind": "personal"})["code"]
        joining = subprocess.Popen([str(BINARY), "join", code, "--at", pod[0].addresses[0], "--name", "stranger", "--data",
                                    str(pod.folder / "stranger"), "--json"], stdout=subprocess.PIPE, text=True)
        try:
            equal(json.loads(joining.stdout.readline()).get("state"), "asking", "the newcomer's state")
            wait_for("the question", lambda: pod[0].get("/api/devices/invite")["state"] == "asking")
            pod[0].post("/api/devices/invite/confirm", {"accept": False})
            out, _ = joining.communicate(timeout=20)
            refused((joining.returncode, json.loads(out.splitlines()[-1])), "declined")
        finally:
            joining.kill()
            joining.wait()
        equal(pod[0].status()["devices"], 1, "devices after a no")
        pair(pod[0], Device("phone", pod.folder / "phone"))
        equal(pod[0].status()["devices"], 2, "devices after a yes")


def nobody_there():
    with PodFolder(("laptop",)) as pod:
        code = pod[0].post("/api/devices/invite", {"kind": "personal"})["code"]
        at = pod[0].addresses[0]
        pod[0].kill()
        exit_code, out, _ = rhizome("join", code, "--at", at, "--data", pod.folder / "z", "--json")
        equal(exit_code, 4, f"the exit code when nobody is there ({out.strip()})")
        exit_code, out, _ = rhizome("join", code, "--at", "/ip4/not/an/address", "--data", pod.folder / "z", "--json")
        check(exit_code in (2, 3), f"a malformed address: exit {exit_code}", out)


def an_open_question_does_not_hold_up_writes():
    with PodFolder(("laptop",)) as pod:
        pod[0].post("/api/devices/invite", {"kind": "personal"})
        document = pod[0].post("/api/documents", {"title": "t", "text": "x"})["id"]
        pod[0].edit(document, [[0, 1, "y"]], "committed")
        equal(pod[0].text(document), "y", "the text")


if __name__ == "__main__":
    sys.exit(main(wrong_used_and_withdrawn_codes_are_refused, foreign_codes_are_refused, declined_by_the_owner,
                  nobody_there, an_open_question_does_not_hold_up_writes))
