#!/usr/bin/env python3
"""Figures of every room, beside the rivals' where they are at hand: `./dev bench [ROOM] [--json]`.

With --json a line a figure and rival: {"name", "value", "unit", "rival", "rival_value", "ratio"}; a ratio below 1 is to
our credit, `rival` is null where there is none. Everything else goes to stderr. Exits 1 if a room's bench failed.
docs/guides/bench.md says how to read the figures and how to add one.

Environment: RZ_BENCH_QUICK=1 (small, without rivals, of what is built: whether it runs, not how fast), RZ_BUILD_DIR (a
release build; build/release), RZ_BENCH_CACHE (where rivals are built, once; build/bench), RZ_SHARED (../shared).
"""
import argparse
import importlib.util
import os
import subprocess
import sys

from figures import BUILD, ROOT, Bench, BenchError, Printer, machine


def rooms():
    return sorted(path.parent.name for path in (ROOT / "bench").glob("*/room.py"))


def build():
    subprocess.run(["cmake", "-DRZ_BENCH=ON", str(BUILD)], check=True, stdout=subprocess.DEVNULL)
    jobs = os.environ.get("RZ_JOBS", str(os.cpu_count()))
    subprocess.run(["cmake", "--build", str(BUILD), "--target", "benches", "-j", jobs], check=True,
                   stdout=subprocess.DEVNULL)


def run_room(room, bench):
    spec = importlib.util.spec_from_file_location(f"bench_{room}", ROOT / "bench" / room / "room.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.run(bench)


def measure(chosen, printer, quick):
    """Runs the chosen rooms; the names of those that failed."""
    failed = []
    for room in chosen:
        shown = printer.shown
        try:
            run_room(room, Bench(room, printer, quick))
            if printer.shown == shown:
                raise BenchError("no figure")
        except Exception as error:  # One room's failure must not hide the others' figures.
            print(f"{room}: FAILED: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            failed.append(room)
    return failed


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description="Figures of every room, beside the rivals'.")
    parser.add_argument("room", nargs="?", choices=rooms())
    parser.add_argument("--json", action="store_true", help="a JSON line a figure")
    options = parser.parse_args()
    quick = os.environ.get("RZ_BENCH_QUICK", "") not in ("", "0")
    if not quick:
        build()
    print(machine(), file=sys.stderr if options.json else sys.stdout, flush=True)
    failed = measure([options.room] if options.room else rooms(), Printer(options.json), quick)
    if failed:
        print(f"bench: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
