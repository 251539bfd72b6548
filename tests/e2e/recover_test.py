#!/usr/bin/env python3
"""Every device is lost but the blind one: the paper and its address bring the pod back. And nobody else gets anything."""
import os
import pty
import secrets
import select
import shutil
import socket
import stat
import subprocess
import sys
import time

from blind_test import traces
from harness import BINARY, Device, PodFolder, check, equal, main, pair, rhizome, settled, wait_for

WORDS = ("marzipan-lighthouse", "Gartenschläuche", "vogelschutzwarte")


def sheet(words, did, *addresses):
    return "\n".join([" ".join(words), did, *addresses]) + "\n"


def wrote(pod):
    """Documents with edits by both readers, all of them at the cloud peer; and the paper."""
    documents = [pod["laptop"].post("/api/documents?wait=committed", {"title": f"{word} title", "text": f"{word} " * 40})["id"]
                 for word in WORDS]
    for device in (pod["laptop"], pod["phone"]):
        for document in documents:
            device.edit(document, [[3, 1, f"<{device.name} “ü” 👋>"]], "committed")
    texts = settled([pod["laptop"], pod["phone"]])
    events = pod["laptop"].status()["events"]
    wait_for("the cloud peer to store it all", lambda: pod["cloud"].status()["events"] == pod["laptop"].status()["events"] >= events)
    return documents, texts, pod["laptop"].get("/api/paper")


def lose(pod, *names):
    for name in names:
        pod[name].kill()
        shutil.rmtree(pod[name].folder)
        del pod.devices[name]


def everything_comes_back_from_paper_and_cloud_peer():
    with PodFolder() as pod:
        documents, texts, paper = wrote(pod)
        cloud = pod["cloud"]
        check(paper["addresses"] and paper["addresses"][0] == cloud.addresses[0],
              "the sheet names the always-on device's address first", paper["addresses"], cloud.addresses)
        lose(pod, "laptop", "phone")
        new = pod.devices["new"] = Device("new", pod.folder / "new")
        # The sheet as it is printed, on standard input, with the cloud peer's address only.
        back = new.run("recover", "--name", "new", stdin=sheet(paper["words"], paper["did"], cloud.addresses[0]))
        equal(back["documents"], len(documents), "documents that came back")
        equal((back["unreadable"], back["events_missing"], back["announced"]), (0, 0, True), "all of it")
        equal(back["served_by"], "cloud", "who served it")
        check(back["newest_ms"] > 1_600_000_000_000, "the newest change has a time", back)
        check(len(back["paper"]) == 24 and back["paper"] != paper["words"], "the next paper")
        check(back["addresses"][0] == cloud.addresses[0], "the next paper carries the address", back["addresses"])
        for name, mode in (("device.key", 0o600), ("paper.key", 0o600)):
            equal(stat.S_IMODE((new.folder / name).stat().st_mode), mode, f"mode of {name}")
        check(not (new.folder / "recover.key").exists(), "recover.key is gone")

        new.start()
        got = [(each["id"], each["title"], new.text(each["id"]))
               for each in sorted(new.documents(), key=lambda each: each["id"])]
        equal(got, texts, "texts, byte for byte")
        wait_for("the two to meet", lambda: any(each["online"] and each["name"] == "cloud"
                                                for each in new.get("/api/devices")["devices"]))
        new.edit(documents[0], [[0, 0, "after the loss "]], "committed")
        wait_for("the cloud peer to have it", lambda: cloud.status()["events"] == new.status()["events"])
        status = new.status()
        equal(status["generation"], 2, "the order began anew")
        check(status["recovery"] and status["recovery"]["this"], "it says that it is pending", status["recovery"])
        check(not status["paper_confirmed"], "the next paper is asked about")
        equal(new.get("/api/paper")["words"], back["paper"], "and shown until it is confirmed")
        # A third device joins the recovered pod as any does.
        pod.kinds["second"] = "personal"
        second = pod.devices["second"] = Device("second", pod.folder / "second")
        pair(new, second)
        second.start()
        wait_for("it to have everything", lambda: second.text(documents[0]) == new.text(documents[0]), 30)
        # Still blind: nothing of all this gave it a key.
        cloud.stop()
        equal(traces(cloud.folder, WORDS), [], "plaintext in the blind device's folder")
        check(not any(word in cloud.log.read_text() for word in WORDS), "plaintext in its log")


def a_paper_is_good_once():
    with PodFolder(("laptop", "cloud")) as pod:
        document = pod["laptop"].post("/api/documents?wait=committed", {"title": "Once", "text": "x"})["id"]
        paper, cloud = pod["laptop"].get("/api/paper"), pod["cloud"]
        wait_for("the cloud peer to store it", lambda: cloud.status()["events"] == pod["laptop"].status()["events"])
        lose(pod, "laptop")
        first = pod.devices["first"] = Device("first", pod.folder / "first")
        text = sheet(paper["words"], paper["did"])
        next_paper = first.run("recover", "--at", cloud.addresses[0], stdin=text)["paper"]
        code, out, err = rhizome("recover", "--data", pod.folder / "thief", "--at", cloud.addresses[0], stdin=text)
        equal(code, 3, "an old paper's exit code")
        check("older paper" in err, "it says why", err)
        check(not (pod.folder / "thief").exists(), "nothing was begun for it")
        code, out, err = rhizome("recover", "--data", first.folder, "--at", cloud.addresses[0], stdin=text)
        check(code != 0 and "holds a pod already" in err, "a folder with a pod is left alone", code, err)
        first.start()
        wait_for("they meet", lambda: first.edit(document, [[0, 0, "y"]], "committed") is not None)
        wait_for("the cloud peer to store it", lambda: cloud.status()["events"] == first.status()["events"])
        lose(pod, "first")
        again = pod.devices["again"] = Device("again", pod.folder / "again")
        again.run("recover", "--at", cloud.addresses[0], stdin=sheet(next_paper, paper["did"]))
        again.start()
        equal(again.text(document), "yx", "what came back the second time")


def mistakes_are_told_apart():
    with PodFolder(("laptop", "cloud")) as pod:
        paper, cloud = pod["laptop"].get("/api/paper"), pod["cloud"]
        words, at = paper["words"], ["--at", cloud.addresses[0]]

        def fails(what, code, said, text, *more, data="x"):
            got, out, err = rhizome("recover", "--data", pod.folder / data, *more, stdin=text)
            equal(got, code, f"{what}: exit code ({err.strip()})")
            check(said in err, f"{what}: message", err)
            check(not (pod.folder / data).exists(), f"{what}: nothing was begun")

        fails("too few words", 3, "24 words", sheet(words[:23], paper["did"]), *at)
        fails("a typing error", 3, "word 5", sheet([*words[:4], "xyzzy", *words[5:]], paper["did"]), *at)
        fails("two words changed places", 3, "changed places",
              sheet([words[1], words[0], *words[2:]] if words[0] != words[1] else [words[-1], *words[1:-1], words[0]],
                    paper["did"]), *at)
        fails("no DID", 3, "did:rhizome:", " ".join(words), *at)
        fails("no address", 3, "--at", sheet(words, paper["did"]))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        fails("nobody there", 4, "can be reached", sheet(words, paper["did"]), "--at", f"/ip4/127.0.0.1/tcp/{port}")
        other = Device("other", pod.folder / "other")
        strange = other.init()
        fails("another pod's paper", 3, "another pod", sheet(strange["paper"], strange["did"]), *at)
        fails("this pod's words with another's DID", 3, "another pod", sheet(words, strange["did"]), *at)
        # The second address is tried when the first does not answer.
        got, out, err = rhizome("recover", "--data", pod.folder / "y", "--json", "--others-live",
                                stdin=sheet(words, paper["did"], f"/ip4/127.0.0.1/tcp/{port}", cloud.addresses[0]))
        equal(got, 0, f"the next address is tried: {out}{err}")


def typed_at_a_terminal_nothing_is_shown():
    with PodFolder(("laptop", "cloud")) as pod:
        paper, cloud = pod["laptop"].get("/api/paper"), pod["cloud"]
        back, terminal = pod.folder / "back", pty.openpty()
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
        program = subprocess.Popen([str(BINARY), "recover", "--data", str(back), "--others-live", "--name", "typed"],
                                   stdin=terminal[1], stdout=terminal[1], stderr=terminal[1], env=environment,
                                   start_new_session=True)
        os.close(terminal[1])
        shown = b""

        def read_until(what, timeout=60):
            nonlocal shown
            deadline = time.monotonic() + timeout
            while what.encode() not in shown:
                check(time.monotonic() < deadline, f"waited for {what}", shown.decode(errors="replace"))
                if select.select([terminal[0]], [], [], 0.2)[0]:
                    try:
                        shown += os.read(terminal[0], 65536)
                    except OSError:  # The program has ended.
                        check(what.encode() in shown, f"it ended without {what}", shown.decode(errors="replace"))

        read_until("an empty line")
        words = paper["words"]
        for row in range(0, 24, 8):
            os.write(terminal[0], (" ".join(words[row:row + 8]) + "\n").encode())
        read_until("did:rhizome:")
        check(b" ".join(word.encode() for word in words[:3]) not in shown, "the words were shown", shown.decode())
        os.write(terminal[0], f"{paper['did']}\n{cloud.addresses[0]}\n".encode())
        read_until("rhizome up")
        equal(program.wait(20), 0, shown.decode(errors="replace"))
        os.close(terminal[0])
        for said in ("Your pod is back", "next paper key", '"cloud"', "72 hours"):
            check(said in shown.decode(), f"it says {said}", shown.decode())
        check((back / "device.key").exists(), "the folder holds a device")


def garbage_gets_no_answer():
    """Raw bytes on the port, and a paper's request cut short, change nothing and are told nothing."""
    with PodFolder(("laptop", "cloud")) as pod:
        host, port = pod["cloud"].addresses[0].split("/")[2], int(pod["cloud"].addresses[0].split("/")[4])
        for size in (1, 20, 4096, 200_000):
            with socket.create_connection((host, port), timeout=5) as line:
                try:
                    line.sendall(secrets.token_bytes(size))
                    line.settimeout(3)
                    line.recv(65536)
                except OSError:
                    pass
        before = pod["cloud"].status()["events"]
        for _ in range(24):  # Right form, wrong key: more than may try at once.
            strange = rhizome("recover", "--data", pod.folder / "z", "--at", pod["cloud"].addresses[0],
                              stdin=sheet(WRONG_WORDS, pod["laptop"].get("/api/paper")["did"]))
            equal(strange[0], 3, f"a wrong paper: {strange[2]}")
        equal(pod["cloud"].status()["events"], before, "events")
        check(pod["cloud"].alive(), "it lives")


WRONG_WORDS = ["abandon"] * 23 + ["art"]  # 32 zero bytes: a paper key of nobody.

if __name__ == "__main__":
    sys.exit(main(everything_comes_back_from_paper_and_cloud_peer, a_paper_is_good_once, mistakes_are_told_apart,
                  typed_at_a_terminal_nothing_is_shown, garbage_gets_no_answer))
