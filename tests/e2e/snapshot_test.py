#!/usr/bin/env python3
"""The pod as a file: snapshots with one name on every device, exports that open read-only and become a device."""
import json
import os
import shutil
import stat
import subprocess

from harness import BINARY, ROOT, Device, PodFolder, Skipped, check, equal, main, pair, rhizome, settled, wait_for

CAR = ROOT / "tests" / "e2e" / "car"
TEXTS = {"Shopping": "milk\nbread\n", "Long": "All work and no play.\n" * 6000, "Größe": "ünïcödé 🌱\n"}


def read_with_npm(path):
    """Every block by @ipld/car and @ipld/dag-cbor."""
    if shutil.which("npm") is None:
        raise Skipped("there is no npm here")
    if not (CAR / "node_modules").is_dir():
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=CAR, capture_output=True, text=True,
                              timeout=200)
        if done.returncode != 0:
            raise Skipped(f"npm can't install @ipld/car: {done.stderr[-300:]}")
    done = subprocess.run(["node", "check.mjs", str(path)], cwd=CAR, capture_output=True, text=True, timeout=100)
    check(done.returncode == 0, "other people's code reads the CAR", done.stderr)
    return json.loads(done.stdout)


def write_texts(device):
    ids = {}
    for title, text in TEXTS.items():
        ids[title] = device.post("/api/documents?wait=committed", {"title": title, "text": text})["id"]
    return ids


def same_snapshot(devices):
    """Once all have applied the same cut."""
    def made():
        found = [each.run("snapshot") for each in devices]
        return len({(each["cut"], each["root"]) for each in found}) == 1 and found
    return wait_for("one name on all devices", made)


def devices_at_one_cut_write_one_root():
    with PodFolder(("laptop", "phone", "cloud")) as pod:
        laptop, phone, cloud = pod[0], pod[1], pod[2]
        ids = write_texts(laptop)
        wait_for("it there", lambda: phone.text(ids["Shopping"]))
        phone.edit(ids["Shopping"], [[0, 0, "eggs\n"]], "committed")
        settled([laptop, phone])
        first, second = same_snapshot([laptop, phone])
        files = [pod.folder / f"{each.name}.car" for each in (laptop, phone)]
        for device, file in zip((laptop, phone), files):
            made = device.run("snapshot", file)
            equal(made["root"], first["root"], "the root in the file")
            equal(stat.S_IMODE(os.stat(file).st_mode), 0o600, "the file's mode")
        equal(first["documents"], 3, "documents in the snapshot")
        code, out, err = rhizome("car", "verify", files[0])
        equal(code, 0, "car verify: " + err)
        found = read_with_npm(files[0])
        equal(found["root"], first["root"], "the root, by @ipld/car")
        equal(found["id"], laptop.status()["did"], "the DID at the root")
        check({"operations", "state", "verificationMethod", "versionId"} <= set(found["fields"]),
              "a DID Document at the root", found["fields"])
        equal(found["blocks"], first["blocks"], "blocks in the file")
        equal(found["reached"], found["blocks"] - 1, "all but the seals hang on the root")
        data = files[0].read_bytes()
        for secret in ("milk", "no play", "Shopping"):
            check(secret.encode() not in data, f"{secret!r} is not in the clear")
        # Restarted, it says the same: nothing local is in it.
        phone.kill()
        phone.start()
        wait_for("the same again", lambda: phone.run("snapshot")["root"] == first["root"])
        code, out, err = rhizome("snapshot", "--data", cloud.folder)
        equal(code, 1, "a blind peer's exit code")
        check("without being able to read" in err, "a blind peer says so", err)
        check(not (pod.folder / "laptop.car.part").exists(), "nothing half-written is left")


def an_export_opens_read_only_and_becomes_a_device():
    with PodFolder(("laptop", "phone")) as pod:
        laptop = pod[0]
        ids = write_texts(laptop)
        settled(pod.running())
        file = pod.folder / "pod.car"
        code, out, err = rhizome("export", file, "--data", laptop.folder)
        equal(code, 0, "export: " + err)
        check("Whoever has this file can read everything" in out, "the warning", out)
        equal(stat.S_IMODE(os.stat(file).st_mode), 0o600, "the file's mode")
        read_with_npm(file)
        copy = Device("tablet", pod.folder / "tablet")
        pod.devices["tablet"] = copy
        made = copy.run("init", "--from", file, "--name", "tablet")
        equal((made["did"], made["documents"], made["read_only"]), (laptop.status()["did"], 3, True), "init --from")
        copy.start()
        status = copy.status()
        equal((status["role"], status["read_only"], copy.addresses), ("read-only", True, []), "the copy's status")
        equal({each["title"]: copy.text(each["id"]) for each in copy.documents()}, TEXTS, "its texts")
        check(all(each["state"] == "committed" for each in copy.documents()), "its documents are in order")
        equal(copy.run("snapshot")["root"], same_snapshot([laptop])[0]["root"], "the same snapshot")
        # Every write is refused, and says what to do.
        for words in (["doc", "new", "Mine"], ["device", "add"], ["device", "suspend", "laptop"],
                      ["device", "remove", "phone"]):
            code, out, err = rhizome(*words, "--data", copy.folder, stdin="x")
            equal(code, 3, f"{' '.join(words)}: exit code: {err}")
            check("can only be read" in err and "rhizome join" in err, f"{' '.join(words)}: the message", err)
        before = copy.status()["frontier"]
        copy.kill()
        # A code makes it a device of the same pod, which keeps what is there.
        laptop.edit(ids["Shopping"], [[0, 0, "later\n"]], "committed")
        pair(laptop, copy)
        copy.start()
        wait_for("what came since", lambda: copy.text(ids["Shopping"]).startswith("later"))
        wait_for("its being a device", lambda: not copy.status()["read_only"] and copy.status()["devices"] == 3)
        copy.edit(ids["Shopping"], [[0, 0, "mine\n"]], "pod")
        wait_for("it on the laptop", lambda: "mine" in laptop.text(ids["Shopping"]))
        check(set(before) <= set(copy.status()["frontier"]), "it kept what was there")
        settled([laptop, copy])


def a_copy_joins_no_other_pod():
    with PodFolder(("laptop",)) as pod, PodFolder(("stranger",)) as other:
        write_texts(pod[0])
        file = pod.folder / "pod.car"
        pod[0].run("export", file)
        copy = Device("tablet", pod.folder / "tablet")
        copy.run("init", "--from", file, "--name", "tablet")
        try:
            pair(other[0], copy)
            raise AssertionError("it joined another pod")
        except Exception as error:
            check("another pod" in str(error), "refused by name", error)
        copy.start()
        pod.devices["tablet"] = copy
        check(copy.status()["read_only"], "still a copy")
        equal(len(copy.documents()), 3, "with its documents")


def a_sealed_export_can_be_kept_but_not_read():
    with PodFolder(("laptop",)) as pod:
        write_texts(pod[0])
        file = pod.folder / "sealed.car"
        made = pod[0].run("export", file, "--sealed")
        equal((made["sealed"], made["keys"]), (True, 0), "sealed")
        copy = Device("copy", pod.folder / "copy")
        pod.devices["copy"] = copy
        equal(copy.run("init", "--from", file)["documents"], 0, "readable documents")
        copy.start()
        equal([each for each in copy.documents() if each.get("readable", True)], [], "nothing is readable")
        equal(copy.status()["frontier"], pod[0].status()["frontier"], "but all is there")


def bad_files_are_refused_and_leave_nothing():
    with PodFolder(("laptop",)) as pod:
        write_texts(pod[0])
        file, bad = pod.folder / "pod.car", pod.folder / "bad.car"
        pod[0].run("export", file)
        snapshot = pod.folder / "snapshot.car"
        pod[0].run("snapshot", snapshot)
        data = file.read_bytes()
        middle = bytearray(data)
        middle[len(data) // 2] ^= 1
        cases = {"empty": b"", "half": data[: len(data) // 2], "last byte gone": data[:-1], "flipped": bytes(middle),
                 "text": b"not a CAR at all", "more behind": data + data[-100:], "a snapshot": snapshot.read_bytes()}
        for name, content in cases.items():
            bad.write_bytes(content)
            code, out, err = rhizome("init", "--from", bad, "--data", pod.folder / "new")
            check(code == 3 and err.startswith("rhizome: "), f"{name}: a clear refusal", code, out, err)
            check(not (pod.folder / "new").exists(), f"{name}: nothing is stored")
        equal([each.name for each in pod.folder.iterdir() if ".copy-" in each.name], [], "nothing is left beside it")
        code, out, err = rhizome("init", "--from", file, "--data", pod[0].folder)
        check(code != 0 and "not empty" in err, "a folder that is in use", err)


if __name__ == "__main__":
    check(BINARY, "a program")
    raise SystemExit(main(devices_at_one_cut_write_one_root, an_export_opens_read_only_and_becomes_a_device,
                          a_copy_joins_no_other_pod, a_sealed_export_can_be_kept_but_not_read,
                          bad_files_are_refused_and_leave_nothing))
