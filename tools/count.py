#!/usr/bin/env python3
"""Lines of code of a room: comments, blanks and tests not counted.

usage: count.py ROOM[/FOLDER] [--json]

For `raft`, the policy, the wire codec and the invariants are rooms within the room: they are counted by naming them.
`tools/tidy.py` holds the core to a limit (docs/decisions/0025-size-of-the-raft-core.md).
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
APART = {"raft": {"policy", "wire", "invariants.h", "invariants.cc", "testdata", "testing"}}


def code_lines(text):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    return sum(1 for line in text.split("\n") if line.strip() and not line.strip().startswith("//"))


def count(room):
    """The room's files with their lines of code."""
    base = ROOT / "src" / room
    apart, files = APART.get(room, set()), []
    for path in sorted(base.rglob("*")):
        if path.suffix not in {".cc", ".h"} or re.search(r"_test\.cc$|test_|testing", path.name):
            continue
        if path.relative_to(base).parts[0] in apart:
            continue
        files.append({"file": str(path.relative_to(base)), "code_lines": code_lines(path.read_text())})
    return files


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    if len(words) != 1 or not (ROOT / "src" / words[0]).is_dir():
        print(__doc__.strip(), file=sys.stderr)
        return 2
    room = words[0]
    files = count(room)
    total = sum(entry["code_lines"] for entry in files)
    if "--json" in sys.argv:
        print(json.dumps({"room": room, "code_lines": total}))
    else:
        for entry in files:
            print(f"{entry['code_lines']:6d}  {entry['file']}")
        print(f"{total:6d}  {room}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
