#!/usr/bin/env python3
"""The program as people and scripts use it: help, exit codes, JSON, no colours, plain files, blocks and archives; and
the first app of the documentation."""
import base64
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from harness import BINARY, ROOT, PodFolder, Skipped, check, equal, main, readers, rhizome, settled

COMMANDS = [[], ["init"], ["up"], ["status"], ["device"], ["device", "add"], ["device", "list"], ["device", "remove"],
            ["device", "suspend"], ["device", "rename"], ["device", "sleep"], ["cluster"], ["cluster", "status"],
            ["cluster", "restart"], ["cluster", "transfer"], ["cluster", "promote"], ["cluster", "demote"], ["join"], ["doc"],
            ["doc", "new"], ["doc", "list"], ["doc", "show"], ["doc", "edit"], ["doc", "rename"], ["doc", "accept"],
            ["doc", "remove"], ["doc", "restore"], ["doc", "import"], ["doc", "export"], ["log"], ["config"], ["config", "set"], ["config", "unset"], ["doctor"],
            ["snapshot"], ["export"], ["recover"], ["version"], ["ipld"], ["ipld", "convert"], ["ipld", "cid"],
            ["ipld", "inspect"], ["car"], ["car", "ls"], ["car", "verify"], ["completion"]]


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def raw_cid(data):
    return b"\x01\x55\x12\x20" + hashlib.sha256(data).digest()


def car(blocks):
    """A CARv1 with raw blocks; the first is the root."""
    root = raw_cid(blocks[0])
    head = b"\xa2\x65roots\x81\xd8\x2a\x58" + bytes([len(root) + 1]) + b"\0" + root + b"\x67version\x01"
    return varint(len(head)) + head + b"".join(varint(len(raw_cid(each) + each)) + raw_cid(each) + each for each in blocks)


def every_command_has_help():
    for words in COMMANDS:
        code, out, err = rhizome(*words, "--help")
        equal(code, 0, f"rhizome {' '.join(words)} --help: exit code ({err})")
        check(len(out) > 60 and "\x1b" not in out, f"rhizome {' '.join(words)} --help says little, or in colour", out)
        groups = ([], ["device"], ["doc"], ["ipld"], ["car"])
        check(words in groups or "Example" in out, f"rhizome {' '.join(words)} --help has no example", out)
    top = rhizome("--help")[1]
    for words in COMMANDS[1:]:
        check(words[0] in top, f"rhizome --help does not name {words[0]}")
    for shell in ("bash", "zsh", "fish"):
        check("device" in rhizome("completion", shell)[1], f"completion {shell}")
    script = rhizome("completion", "bash")[1]
    equal(subprocess.run(["bash", "-n"], input=script, text=True).returncode, 0, "bash reads the completion")


def exit_codes_are_as_documented():
    with tempfile.TemporaryDirectory(prefix="rhizome-e2e-") as place:
        data = ("--data", f"{place}/pod")
        usage = [["nonsense"], ["status", "--nonsense"], [], ["doc"], ["doc", "show"], ["join"], ["completion", "tcsh"],
                 ["up", "--http", "many"], ["ipld", "convert", "--from", "nonsense"]]
        for words in usage:
            code, out, err = rhizome(*words, *data)
            equal(code, 2, f"rhizome {' '.join(words)}: exit code")
            check(len(err + out) > 20, f"rhizome {' '.join(words)}: no message")
        for words in (["status"], ["doc", "list"], ["device", "list"], ["log"], ["doc", "new", "x"]):
            code, out, err = rhizome(*words, *data)
            equal(code, 4, f"rhizome {' '.join(words)} without a daemon: exit code")
            check("rhizome up" in err, "it does not say how to start one", err)
            code, out, _ = rhizome(*words, *data, "--json")
            equal((code, json.loads(out)["error"]["code"]), (4, "not_reachable"), "the same in JSON")
        with subprocess.Popen([str(BINARY), "up", "--json", "--http", "0", *map(str, data)], stdout=subprocess.PIPE) as page:
            equal(json.loads(page.stdout.readline())["state"], "set-up", "up without a pod")
            code, _, err = rhizome("status", *data)
            check(code == 1 and "there is no pod" in err, f"status without a pod: exit {code}", err)
            page.terminate()
            equal(page.wait(10), 0, "up without a pod, interrupted: exit code")
        equal(rhizome("init", *data)[0], 0, "init: exit code")
        code, _, err = rhizome("init", *data)
        check(code in (1, 3) and len(err) > 10, f"init twice: exit {code}", err)
        equal(rhizome("ipld", "inspect", "nonsense")[0], 3, "a CID that is none: exit code")
        equal(rhizome("ipld", "convert", stdin=b"\xff\xff")[0], 3, "a block that is none: exit code")
        equal(rhizome("car", "verify", f"{place}/none.car")[0], 1, "a file that is not there: exit code")
        equal(rhizome("version", "--json")[0], 0, "version: exit code")


def commands_speak_json_and_plain_text():
    colour = {"NO_COLOR": "1", "TERM": "xterm-256color"}
    with PodFolder(("laptop", "phone")) as pod:
        data = ("--data", pod[0].folder)
        made = json.loads(rhizome("doc", "new", "Shopping", "--text", "milk\n", *data, "--json")[1])
        equal(rhizome("doc", "show", "Shopping", *data)[1], "milk\n", "doc show")
        equal(rhizome("doc", "show", made["id"][:8], *data)[1], "milk\n", "doc show by the beginning of its id")
        equal(rhizome("doc", "edit", "Shopping", "--stdin", *data, stdin="bread é🙂\n")[0], 0, "doc edit --stdin")
        equal(rhizome("doc", "show", "Shopping", *data)[1], "bread é🙂\n", "doc show after an edit")
        code, _, err = rhizome("doc", "show", "Missing", *data)
        check(code == 1 and "Missing" in err, f"a document that is not there: exit {code}", err)
        status = json.loads(rhizome("status", *data, "--json")[1])
        for field in ("device_id", "peer_id", "did", "addresses", "http", "role", "term", "quorum", "frontier", "pending"):
            check(field in status, f"status --json has no {field}")
        equal(json.loads(rhizome("doctor", *data, "--json")[1])["ok"], True, "doctor")
        for words in (["status"], ["device", "list"], ["cluster", "status"], ["doc", "list"], ["log"], ["config"], ["doctor"],
                      ["version"]):
            code, out, err = rhizome(*words, *data, "--json")
            equal(code, 0, f"rhizome {' '.join(words)} --json: exit code ({err})")
            check(all(json.loads(line) for line in out.splitlines() if line), f"{words}: not JSON")
            code, out, _ = rhizome(*words, *data, environment=colour)
            check(code == 0 and out and "\x1b" not in out, f"rhizome {' '.join(words)} with NO_COLOR", out)
        equal(len(json.loads(rhizome("device", "list", *data, "--json")[1])["devices"]), 2, "devices")


def leaving_with_plain_files():
    with PodFolder(("laptop",)) as pod, tempfile.TemporaryDirectory(prefix="rhizome-e2e-") as place:
        place = pathlib.Path(place)
        texts = {"a.txt": "plain\n", "deep/er/b.md": "# é🙂\n", "empty.txt": "", "long.txt": "line\n" * 20000,
                 "crlf.txt": "a\r\nb\r\n", "space in it.md": "x"}
        for name, text in texts.items():
            (place / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (place / "in" / name).write_bytes(text.encode())
        (place / "in/picture.bin").write_bytes(b"\x89PNG\0\xff")
        data = ("--data", pod[0].folder)
        imported = json.loads(rhizome("doc", "import", place / "in", *data, "--json")[1])
        equal((len(imported["imported"]), imported["skipped"]), (len(texts), 1), "imported, left out")
        for title in ("../../escape", "/etc/absolute", "..", "a\x00b".replace("\0", "\x01"), "x" * 500):
            pod[0].post("/api/documents", {"title": title, "text": f"title {title[:9]}"})
        equal(rhizome("doc", "export", "--all", place / "out", *data)[0], 0, "doc export --all")
        for name, text in texts.items():
            # Line ends are those of every editor here: a lone "\\r" would be a character to it.
            equal((place / "out" / name).read_bytes(), text.replace("\r\n", "\n").encode(), f"the file {name}")
        files = [each for each in place.rglob("*") if each.is_file() and "in" not in each.relative_to(place).parts[:1]]
        equal(len(files), len(texts) + 5, "files, all below the folder")
        check(not (place.parent / "escape.txt").exists() and not (place / "escape.txt").exists(), "a title left the folder")


def blocks_and_archives():
    text = b'{"a":[1,-2,"\xc3\xa9",null,true,1.5],"b":{"/":{"bytes":"AQID"}}}'
    cbor = rhizome("ipld", "convert", "--from", "dag-json", "--to", "dag-cbor", stdin=text)[1]
    equal(rhizome("ipld", "convert", "--from", "dag-cbor", "--to", "dag-json", stdin=cbor)[1], text, "there and back")
    cid = rhizome("ipld", "cid", "--codec", "dag-cbor", stdin=cbor)[1].decode().strip()
    wanted = "b" + base64.b32encode(b"\x01\x71\x12\x20" + hashlib.sha256(cbor).digest()).decode().lower().rstrip("=")
    equal(cid, wanted, "the CID")
    report = json.loads(rhizome("ipld", "inspect", cid, "--json")[1])
    equal((report["codec"], report["digest"]), ("dag-cbor", hashlib.sha256(cbor).hexdigest()), "what inspect says")
    for broken in (cbor[:-1], cbor + b"\0", b"\xbf\xff", b"\xa2\x61b\x01\x61a\x01", b"\xf9\x3c\x00", b""):
        code, _, err = rhizome("ipld", "convert", "--from", "dag-cbor", "--to", "dag-json", stdin=broken)
        check(code == 3 and len(err) > 10, f"{broken[:12]}: exit {code}", err)
    with tempfile.TemporaryDirectory(prefix="rhizome-e2e-") as place:
        path = pathlib.Path(place) / "some.car"
        blocks = [b"root", b"", bytes(range(256)) * 300]
        whole = car(blocks)
        path.write_bytes(whole)
        done = json.loads(rhizome("car", "verify", path, "--json")[1])
        equal((done["ok"], done["blocks"], done["bytes"]), (True, 3, sum(map(len, blocks))), "car verify")
        listed = [json.loads(line) for line in rhizome("car", "ls", path, "--json")[1].splitlines()]
        equal([each["bytes"] for each in listed], [len(each) for each in blocks], "car ls")
        for broken, what in ((whole[:-1], "truncated"), (whole[:-5] + b"x" + whole[-4:], "a flipped byte"), (b"", "empty"),
                             (b"\xff" * 40, "garbage"), (whole[:60] + b"\xff\xff\xff\xff\x7f", "a huge length")):
            path.write_bytes(broken)
            code, _, err = rhizome("car", "verify", path)
            check(code == 3 and len(err) > 10, f"an archive that is {what}: exit {code}", err)


def the_first_app_of_the_documentation_runs():
    app = ROOT / "docs/examples/first_app.py"
    if not app.exists():
        raise Skipped("no docs/examples/first_app.py")
    with PodFolder() as pod:
        home = pod.folder / "home"
        home.mkdir()
        (home / "rhizome-demo").symlink_to(pod.folder)
        done = subprocess.run([sys.executable, str(app)], env={**os.environ, "XDG_DATA_HOME": str(home)}, timeout=60,
                              capture_output=True, text=True)
        equal((done.returncode, done.stdout), (0, "milk\nbread\n"), f"what it prints ({done.stderr[-500:]})")
        equal(settled(readers(pod))[0][2], "milk\nbread\n", "what the devices hold")


if __name__ == "__main__":
    check(BINARY is not None, "no program")
    sys.exit(main(every_command_has_help, exit_codes_are_as_documented, commands_speak_json_and_plain_text,
                  leaving_with_plain_files, blocks_and_archives, the_first_app_of_the_documentation_runs))
