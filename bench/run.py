#!/usr/bin/env python3
"""Figures of every room, beside the rivals' where they are at hand: `./dev bench [ROOM] [--json]`.

A room's measurements are bench/ROOM/run.sh or run.py, or else the program bench_ROOM (or ROOM_bench). Each prints a JSON
line a figure: {"name", "value", "unit", "rival", "rival_value", "ratio"}; a ratio below 1 is to our credit.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release"


def rooms():
    return sorted(path.name for path in (ROOT / "bench").iterdir() if path.is_dir())


def build():
    subprocess.run(["cmake", "-DRZ_BENCH=ON", str(BUILD)], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", str(BUILD), "-j", str(os.cpu_count())], check=True, stdout=subprocess.DEVNULL)


def command_of(room):
    for name, start in (("run.sh", ["bash"]), ("run.py", [sys.executable])):
        script = ROOT / "bench" / room / name
        if script.exists():
            return [*start, str(script), "--json"]
    for name in (f"bench_{room}", f"{room}_bench"):
        if (BUILD / "bin" / name).exists():
            return [str(BUILD / "bin" / name), "--json"]
    return None


def figures_of(room):
    command = command_of(room)
    if command is None:
        print(f"{room}: nothing to run", file=sys.stderr)
        return []
    environment = {**os.environ, "RZ_BENCH_CACHE": str(ROOT / "build/bench")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    figures = []
    for line in done.stdout.splitlines():
        try:
            figure = json.loads(line)
        except ValueError:
            figure = None
        if isinstance(figure, dict) and "value" in figure:
            figures.append({**figure, "room": room})
        elif line.strip():
            print(f"{room}: {line}", file=sys.stderr)
    if done.returncode != 0:
        print(f"{room}: exit {done.returncode}: {done.stderr[-2000:]}", file=sys.stderr)
    return figures


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description="Figures of every room, beside the rivals'.")
    parser.add_argument("room", nargs="?", choices=rooms())
    parser.add_argument("--json", action="store_true", help="a JSON line a figure")
    options = parser.parse_args()
    build()
    found = 0
    for room in [options.room] if options.room else rooms():
        for figure in figures_of(room):
            found += 1
            if options.json:
                print(json.dumps({key: figure.get(key) for key in ("name", "value", "unit", "rival", "rival_value", "ratio")}), flush=True)
                continue
            beside = f"{figure['rival']}: {number(figure.get('rival_value'))}" if figure.get("rival") else ""
            ratio = f"{figure['ratio']:.2f}x" if figure.get("ratio") else ""
            print(f"{room:9} {figure['name']:52.52} {number(figure['value']):>12} {figure['unit']:10} {beside:34} {ratio}", flush=True)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
