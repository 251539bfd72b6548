#!/usr/bin/env python3
"""The tidy test: holds the tree to its own rules (CONTRIBUTING.md, "House rules").

Checks every file that git tracks or would track:
  levels      a room includes only rooms of a lower level; `pod` may see siblings, `host` alone the world
  forbidden   core rooms (levels 0 to 6) call no clock, file, socket, thread, randomness or formatter
  lengths     files up to 800 lines (tests 1,200), lines up to 120 columns
  headers     start with a comment that says what they are, then #pragma once
  asserting   every test file asserts something
  words       no unfinished work left standing in the sources
  core        the consensus core stays small enough to be read in an evening (tools/count.py raft)

Exits 1 and prints `file:line: rule: what` for each breach.
"""
import pathlib
import re
import subprocess
import sys

import count

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEVELS = {"base": 0, "crypto": 1, "store": 1, "ipld": 2, "raft": 2, "log": 3, "net": 3, "identity": 4, "document": 4,
          "view": 5, "sync": 5, "market": 5, "pod": 6, "sim": 7, "host": 7, "capi": 7, "cli": 8}
CORE_LEVEL_MAX = 6
LINES_MAX, TEST_LINES_MAX, COLUMNS_MAX = 800, 1200, 120
RAFT_CODE_LINES_MAX = 1130  # docs/decisions/0025-size-of-the-raft-core.md
FORBIDDEN_HEADERS = {"iostream", "fstream", "thread", "mutex", "chrono", "random", "filesystem", "future", "ctime", "time.h",
                     "atomic", "condition_variable", "unistd.h", "sys/socket.h", "locale", "regex", "sstream", "format"}
FORBIDDEN_CALLS = re.compile(r"(?<![\w.>:])(?:std::)?(printf|fprintf|fopen|time|rand|srand|getenv|clock|gettimeofday|"
                             r"clock_gettime|randombytes_buf|randombytes|RAND_bytes|usleep|sleep|socket)\s*\(")
# The few places in the core that may: assertions print before they abort.
EXCEPTIONS = {("src/base/assert.cc", "forbidden")}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def files():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout.split("\n")
    return [pathlib.Path(name) for name in out if name and (ROOT / name).is_file()]


def room_of(path):
    parts = path.parts
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def check_includes(path, lines, report):
    room = room_of(path)
    if room is None:
        return
    if room not in LEVELS:
        report(path, 1, "levels", f"'{room}' is not a room of ARCHITECTURE.md")
        return
    level = LEVELS[room]
    is_test = path.name.endswith("_test.cc")
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match:
            continue
        kind, name = match.groups()
        if kind == '"':
            target = name.split("/")[0]
            if "/" not in name or target not in LEVELS:
                report(path, number, "levels", f'include "{name}" by its room: "room/file.h"')
            elif is_test and target == "sim":
                pass  # What tests of whole pods run them in.
            elif target != room and LEVELS[target] >= level:
                report(path, number, "levels", f"{room} (level {level}) may not include {target} (level {LEVELS[target]})")
        elif level <= CORE_LEVEL_MAX and not is_test and name in FORBIDDEN_HEADERS:
            report(path, number, "forbidden", f"a core room may not include <{name}>")


def strip_comments(line):
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', line).split("//")[0]


def check_calls(path, lines, report):
    room = room_of(path)
    if room is None or LEVELS.get(room, 9) > CORE_LEVEL_MAX or path.name.endswith("_test.cc"):
        return
    for number, line in enumerate(lines, 1):
        code = strip_comments(line)
        match = FORBIDDEN_CALLS.search(code)
        # "UnixMs time(EventIndex)" declares a member of that name.
        declares = match and re.search(r"\b(?!return\b)[A-Za-z_][\w:<>]*[&*]?\s+$", code[:match.start(1)])
        if match and not declares and (str(path), "forbidden") not in EXCEPTIONS:
            report(path, number, "forbidden", f"a core room may not call {match.group(1)}")


def check_shape(path, lines, report):
    is_test = "test" in path.name
    limit = TEST_LINES_MAX if is_test else LINES_MAX
    if len(lines) > limit and "generated" not in (lines[0] if lines else ""):
        report(path, len(lines), "lengths", f"{len(lines)} lines, at most {limit}")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX and path.suffix in {".cc", ".h"}:
            report(path, number, "lengths", f"{len(line)} columns, at most {COLUMNS_MAX}")
        if UNFINISHED.search(line) and path.name != "tidy.py":
            report(path, number, "words", "unfinished work belongs in an issue")
    if path.suffix == ".h":
        if not lines or not lines[0].startswith("//"):
            report(path, 1, "headers", "a header starts with a comment that says what it is")
        if not any(line.strip() == "#pragma once" for line in lines[:80]):
            report(path, 1, "headers", "no #pragma once near the top")
    if path.name.endswith("_test.cc") and not re.search(r"EXPECT_|ASSERT_|RC_ASSERT|FAIL\(", "\n".join(lines)):
        report(path, 1, "asserting", "a test that asserts nothing")


def main():
    breaches = []

    def report(path, line, rule, text):
        breaches.append(f"{path}:{line}: {rule}: {text}")

    checked = 0
    for path in files():
        if path.suffix not in {".cc", ".h", ".py", ".ts", ".svelte", ".mjs", ".sh"}:
            continue
        checked += 1
        lines = (ROOT / path).read_text(encoding="utf-8").split("\n")
        if path.suffix in {".cc", ".h"}:
            check_includes(path, lines, report)
            check_calls(path, lines, report)
        check_shape(path, lines, report)
    core = sum(entry["code_lines"] for entry in count.count("raft"))
    if core > RAFT_CODE_LINES_MAX:
        report(pathlib.Path("src/raft"), 1, "core", f"{core} lines of code, more than {RAFT_CODE_LINES_MAX}")
    print("\n".join(breaches) if breaches else f"tidy: {checked} files, nothing to say")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
