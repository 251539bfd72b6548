#!/usr/bin/env python3
"""The cloud peer stores everything and can read nothing: no text, no title, no word of either, anywhere in its folder."""
import sys

from harness import DeviceError, PodFolder, check, equal, main, readers, settled, wait_for

WORDS = ("xylophone-quartz", "Gemüsesuppe", "ruhestandsplanung")


def traces(folder, words):
    """(file, word) for each file below the folder that holds a word, in any common encoding."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found += [(path.name, word) for word in words
                      if any(word.encode(code) in data for code in ("utf-8", "utf-16-le", "utf-16-be"))]
    return found


def the_cloud_peer_holds_no_plaintext():
    with PodFolder() as pod:
        cloud = pod["cloud"]
        documents = [pod[0].post("/api/documents?wait=committed", {"title": f"{word} title", "text": f"first {word} " * 30})["id"]
                     for word in WORDS]
        for number, document in enumerate(documents):
            for device in readers(pod):
                device.edit(document, [[0, 0, f"{WORDS[number]} from {device.name} "]], "committed")
        texts = settled(readers(pod))
        wait_for("the cloud peer to have everything", lambda: cloud.status()["events"] == pod[0].status()["events"])
        for document in documents:
            try:
                answer = cloud.text(document)
                check(False, "the blind device shows a text", answer)
            except DeviceError as error:
                check("404" in str(error) and not any(word in str(error) for word in WORDS), "its answer", error)
            try:
                cloud.edit(document, [[0, 0, "x"]])
                check(False, "the blind device edits a text")
            except DeviceError:
                pass
        for path in ("/api/documents", "/api/log?limit=1000", "/api/status", "/api/devices", "/metrics"):
            shown = str(cloud.call("GET", path))
            check(not any(word in shown for word in WORDS), f"{path} of the blind device shows a word", shown[:500])
        check(len(cloud.get("/api/log?limit=1000")["events"]) >= 9, "it stores the events")
        cloud.stop()
        equal(traces(cloud.folder, WORDS), [], "plaintext in the blind device's folder")
        check(not traces(pod.folder, WORDS) or cloud.log.read_text() == "" or
              not any(word in cloud.log.read_text() for word in WORDS), "plaintext in its log")
        # The same search finds a file that has a word: it can fail.
        (pod.folder / "control").mkdir()
        (pod.folder / "control/file").write_bytes(b"\0" + WORDS[1].encode() + b"\0")
        equal(traces(pod.folder / "control", WORDS), [("file", WORDS[1])], "the search itself")
        # It still gives everything to a device that comes later, while the others are away.
        cloud.start()
        pod["phone"].kill()
        pod["laptop"].edit(documents[0], [[0, 0, "last "]], "committed")
        pod["laptop"].kill()
        pod["phone"].start()
        wait_for("the phone to get it from the cloud peer alone",
                 lambda: pod["phone"].text(documents[0]).startswith("last "), 30)
        equal(len(texts), 3, "documents")


def no_secret_is_readable_by_others():
    with PodFolder(("laptop",)) as pod:
        for path in pod[0].folder.rglob("*"):
            if path.is_file():
                check(path.stat().st_mode & 0o077 == 0, f"{path.name} may be read by others", oct(path.stat().st_mode))


if __name__ == "__main__":
    sys.exit(main(the_cloud_peer_holds_no_plaintext, no_secret_is_readable_by_others))
