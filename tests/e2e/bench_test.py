#!/usr/bin/env python3
"""`./dev bench` still runs: every room, small and without rivals, prints figures in the one form.

What the figures are is no matter here. Takes the built programs as they are; skipped where they are not built.
"""
import json
import os
import subprocess
import sys

from harness import ROOT, Skipped, check, equal, main

PROGRAMS = ROOT / "build/release/bin"
NUMBER = (int, float)
FIELDS = {"name": (str,), "value": NUMBER, "unit": (str,), "rival": (str, type(None)), "rival_value": (*NUMBER, type(None)),
          "ratio": (*NUMBER, type(None))}
# What the README's table and the later issues count on.
NEEDED = ("pod.edit on laptop to visible on phone p50", "pod.edit to committed p99", "pod.start-up", "pod.idle memory",
          "pod.binary stripped", "log.verify a caught-up feed", "raft.cpu_ns_per_entry.batch_100",
          "ipld.dag_cbor decode small_maps", "document.one-character edit to visible p50", "store.commit, 1 writer, p50")


def bench(*words):
    if not (PROGRAMS / "pod_bench").exists():
        raise Skipped("the benchmarks are not built (cmake -DRZ_BENCH=ON build/release)")
    return subprocess.run([sys.executable, str(ROOT / "bench/run.py"), *words], capture_output=True, text=True,
                          timeout=200, env={**os.environ, "RZ_BENCH_QUICK": "1"})


def every_room_prints_its_figures():
    done = bench("--json")
    equal(done.returncode, 0, f"exit code: {done.stderr[-2000:]}")
    names = set()
    for line in done.stdout.splitlines():
        row = json.loads(line)
        equal(list(row), list(FIELDS), f"the fields of {line}")
        for field, kind in FIELDS.items():
            check(isinstance(row[field], kind), f"{field} of {line} is of its kind")
        check(row["value"] > 0, f"something was measured: {line}")
        check((row["rival"] is None) == (row["rival_value"] is None) == (row["ratio"] is None), f"all or none: {line}")
        names.add(row["name"])
    equal([name for name in NEEDED if name not in names], [], "figures that are missing")
    rooms = {path.parent.name for path in (ROOT / "bench").glob("*/room.py")}
    equal({name.partition(".")[0] for name in names}, rooms, "rooms with figures")


def the_table_says_the_same():
    done = bench("store")
    equal(done.returncode, 0, f"exit code: {done.stderr[-2000:]}")
    check("fdatasync" in done.stdout and "ratio" in done.stdout and "commit, 1 writer, p50" in done.stdout, done.stdout)


def a_bench_that_fails_is_told_by_the_exit_code():
    if not (PROGRAMS / "pod_bench").exists():
        raise Skipped("the benchmarks are not built (cmake -DRZ_BENCH=ON build/release)")
    sys.path.insert(0, str(ROOT / "bench"))
    import run
    from figures import BenchError, Printer

    def broken(*_):
        raise BenchError("on purpose")

    run.run_room = broken
    equal(run.measure(["store", "log"], Printer(True), True), ["store", "log"], "rooms that failed")


if __name__ == "__main__":
    sys.exit(main(every_room_prints_its_figures, the_table_says_the_same, a_bench_that_fails_is_told_by_the_exit_code))
