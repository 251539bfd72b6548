#!/usr/bin/env python3
"""Compiles headers of src/ by themselves: a header must include what it uses.

Left out is a header that its own .cc includes first: the builds without precompiled headers (GCC, WebAssembly) show that
one to stand alone. Takes the flags of a source file of the same room from the build's compile_commands.json.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def room_flags(build):
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        try:
            parts = path.relative_to(ROOT).parts
        except ValueError:
            continue
        if len(parts) < 3 or parts[0] != "src" or path.suffix != ".cc" or (parts[1] in flags and path.name.endswith("_test.cc")):
            continue
        # By itself: without what the room's files have precompiled.
        words = shlex.split(re.sub(r"-Xclang -include(-pch)? -Xclang \S+|-Winvalid-pch|-fpch-\S+", "", entry["command"]))
        if pathlib.Path(words[0]).name == "ccache":
            words = words[1:]
        drop_next, kept = False, []
        for word in words:
            if drop_next:
                drop_next = False
            elif word in ("-o", "-c"):
                drop_next = True
            else:
                kept.append(word)
        flags[parts[1]] = kept
    return flags


def is_first_of_its_own_source(header):
    source = header.with_suffix(".cc")
    if not source.exists():
        return False
    first = next((line for line in source.read_text().splitlines() if line.startswith("#include")), "")
    return first == f'#include "{header.relative_to(ROOT / "src")}"'


def check(header, flags, cache):
    """None if it stands alone, else what the compiler says. A compiler cache skips what was found good before."""
    source = f'#include "{header.relative_to(ROOT / "src")}"\n'
    command = ["ccache"] if cache else []
    stub = ROOT / "build" / "headers" / (str(header.relative_to(ROOT / "src")).replace("/", "__") + ".cc")
    stub.parent.mkdir(parents=True, exist_ok=True)
    if not stub.exists() or stub.read_text() != source:
        stub.write_text(source)
    if "rapidcheck" in header.read_text() or "gtest" in header.read_text() or "test" in header.name:
        flags = [flag for flag in flags if flag not in ("-fno-rtti", "-fno-exceptions")]  # As tests are compiled.
    command += flags + ["-O0", "-Wno-pragma-once-outside-header", "-c", str(stub), "-o", str(stub) + ".o"]
    done = subprocess.run(command, capture_output=True, text=True)
    return None if done.returncode == 0 else f"{header.relative_to(ROOT)}:\n{done.stderr[:2000]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    build = parser.parse_args().build.resolve()
    flags = room_flags(build)
    fallback = flags.get("base")
    cache = subprocess.run(["which", "ccache"], capture_output=True).returncode == 0
    headers = [header for header in sorted((ROOT / "src").rglob("*.h")) if not is_first_of_its_own_source(header)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(check, header, flags.get(header.relative_to(ROOT / "src").parts[0], fallback), cache)
                for header in headers]
        failures = [job.result() for job in jobs if job.result()]
    print("\n".join(failures) if failures else f"self-contained: {len(headers)} headers")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
