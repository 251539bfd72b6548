#!/usr/bin/env python3
"""kill -9 at random moments: the store's own rounds, then real devices that are killed while they acknowledge.

usage: kill_rounds.py [--bin DIR] [--rounds N] [--seed S]

The seed is printed; with it the same moments come again, as far as the machine allows.
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description="kill -9 at random moments; nothing acknowledged is lost.")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin", metavar="DIR")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(1, 1 << 31))
    options = parser.parse_args()
    print(f"seed {options.seed} (--seed {options.seed} repeats it)", flush=True)
    codes = []
    store = options.bin / "store_kill_test"
    if store.exists():
        codes.append(subprocess.run([store, "--rounds", str(options.rounds), "--seed", str(options.seed)]).returncode)
    else:
        print(f"skipped: no {store}")
    devices = [sys.executable, ROOT / "tests/e2e/kill_test.py", "any_device"]
    # A round of three devices takes seconds where one of the store alone takes a fraction: a limit for the whole run.
    codes.append(subprocess.run(devices, env={
        **os.environ, "RHIZOME_BINARY": str((options.bin / "rhizome").resolve()), "RHIZOME_SEED": str(options.seed),
        "RHIZOME_KILL_ROUNDS": str(options.rounds), "RHIZOME_WATCHDOG_S": str(240 + 15 * options.rounds)}).returncode)
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
