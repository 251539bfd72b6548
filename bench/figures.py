"""What every room's bench is made of: runs of our programs and of rivals' in turn, medians with their spread, rivals
that are built once into build/bench, and what is printed.

A room is bench/ROOM/room.py with `run(bench)`. A program of ours prints a JSON line a figure (bench/figure.h), a rival's
what it likes. The rules:

- Rivals run on the same input, in the same run, in turn with ours: what else the machine does disturbs all alike.
- The value of a figure is the median of its runs, its spread half the distance between the least and the greatest.
- A rival that can't be built or run here is skipped, and said; ours failing fails the bench.
"""
import dataclasses
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("RZ_BUILD_DIR", ROOT / "build/release"))
CACHE = pathlib.Path(os.environ.get("RZ_BENCH_CACHE", ROOT / "build/bench"))
SHARED = pathlib.Path(os.environ.get("RZ_SHARED", ROOT.parent / "shared"))


class BenchError(Exception):
    """A measurement of ours did not come about."""


class Missing(Exception):
    """What a rival needs is not here; the message says what."""


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * percent / 100))]


def spread(values):
    """Half the distance between the least and the greatest, as a part of the median; None of one run."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle if len(values) > 1 and middle else None


@dataclasses.dataclass
class Figure:
    """One figure, a value a run, and the rivals' on the same job."""
    name: str
    unit: str
    values: list
    better: str = "less"
    rivals: dict = dataclasses.field(default_factory=dict)

    def beside(self, rival, values):
        """Adds a rival's values; a rival that has none is left out."""
        values = [value for value in values if value is not None]
        if values:
            self.rivals[rival] = values
        return self

    def rows(self):
        """A dictionary a rival, or one without. Below 1, a ratio is to our credit."""
        value = statistics.median(self.values)
        for rival, values in self.rivals.items() or [(None, None)]:
            theirs = statistics.median(values) if values else None
            over, under = (value, theirs) if self.better == "less" else (theirs, value)
            ratio = round(over / under, 4) if theirs and under else None
            yield {"name": self.name, "value": round(value, 6), "unit": self.unit, "rival": rival,
                   "rival_value": None if theirs is None else round(theirs, 6), "ratio": ratio}


class Bench:
    """One room's bench."""

    def __init__(self, room, printer, quick=False):
        self.room, self.printer, self.quick = room, printer, quick
        self.cache = CACHE / room

    def say(self, words):
        print(f"{self.room}: {words}", file=sys.stderr, flush=True)

    def show(self, figure):
        if not figure.name.startswith(self.room + "."):
            figure.name = f"{self.room}.{figure.name}"
        self.printer.show(self.room, figure)

    # --- Ours

    def text(self, name, *arguments):
        """Runs a program of ours; what it wrote."""
        path = BUILD / "bin" / name
        if not path.exists():
            raise BenchError(f"{path} is not built")
        done = subprocess.run([str(path), *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise BenchError(f"{name}: exit {done.returncode}: {done.stderr[-2000:].strip()}")
        return done.stdout

    def program(self, name, *arguments):
        """Runs a program of ours that prints JSON lines (bench/figure.h); the lines as dictionaries."""
        return [json.loads(line) for line in self.text(name, *arguments).splitlines()]

    # --- Rivals

    def rival(self, name, make):
        """What `make` gives: a function that runs the rival. None where the rival is skipped."""
        if self.quick:
            self.say(f"skipped {name}: a quick run")
            return None
        try:
            return make()
        except (Missing, OSError, subprocess.SubprocessError) as error:
            self.say(f"skipped {name}: {reason(error)}")
            return None

    def peer(self, *path):
        """A folder of ../shared, where the rivals' programs and the recorded traces are."""
        if not SHARED.is_dir():
            raise Missing("no ../shared")
        folder = SHARED.joinpath(*path)
        if not folder.exists():
            raise Missing(f"no ../shared/{'/'.join(path)}")
        return folder

    def needs(self, *commands):
        for command in commands:
            if shutil.which(command) is None:
                raise Missing(f"no {command}")

    def command(self, *words, where=None, timeout=None, **environment):
        """Runs a rival's command; what it wrote."""
        return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True, cwd=where,
                              timeout=timeout, env={**os.environ, **environment}).stdout

    def npm(self, folder, *programs):
        """A folder with the packages of folder's lock file (or package.json) installed, and the programs in it."""
        self.needs("node", "npm")
        there = self.cache / folder.name
        there.mkdir(parents=True, exist_ok=True)
        lock = "package-lock.json" if (folder / "package-lock.json").exists() else "package.json"
        done = there / "node_modules" / ".rz-lock"
        if not done.exists() or done.read_bytes() != (folder / lock).read_bytes():
            self.say(f"installing the packages of {folder.name}")
            for name in ("package.json", "package-lock.json", ".npmrc"):
                if (folder / name).exists():
                    copy(folder / name, there / name)
            verb = "ci" if lock == "package-lock.json" else "install"
            self.command("npm", verb, "--silent", "--no-audit", "--no-fund", where=there)
            copy(folder / lock, done)
        for program in programs:
            copy(folder / program, there / program)
        return there

    # --- Runs in turn

    def in_turn(self, rounds, ours, rivals=None):
        """Runs `ours` and each rival's function (None: skipped) in turn, `rounds` times; what each gave in each round.

        A rival that fails is left out, and said.
        """
        if self.quick:
            rounds = 1
        mine, theirs = [], {name: [] for name, run in (rivals or {}).items() if run is not None}
        for _ in range(rounds):
            mine.append(ours())
            for name in list(theirs):
                try:
                    theirs[name].append(rivals[name]())
                except (subprocess.SubprocessError, OSError, ValueError, KeyError) as error:
                    self.say(f"skipped {name}: {reason(error)}")
                    del theirs[name]
        return mine, theirs


def gather(rounds):
    """The lines of several rounds of a program of ours as figures, in the program's order."""
    figures = {}
    for lines in rounds:
        for line in lines:
            new = Figure(line["name"], line["unit"], [], line.get("better", "less"))
            figure = figures.setdefault(line["name"], new)
            figure.values.append(line["value"])
            if line.get("rival"):
                figure.rivals.setdefault(line["rival"], []).append(line["rival_value"])
    return list(figures.values())


def copy(source, target):
    """Copies the content alone: what ../shared holds may be read-only."""
    target.write_bytes(source.read_bytes())


def reason(error):
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line.strip() for line in (error.stderr or "").splitlines() if line.strip()]
        return f"exit {error.returncode}: {lines[-1] if lines else 'it said nothing'}"
    return str(error) or type(error).__name__


# --- What is printed ------------------------------------------------------------------------------------------------


class Printer:
    """Figures as they come: JSON lines, or a table."""

    def __init__(self, as_json):
        self.as_json, self.shown, self.room = as_json, 0, None

    def show(self, room, figure):
        for row in figure.rows():
            self.shown += 1
            if self.as_json:
                print(json.dumps(row), flush=True)
            else:
                self.table_row(room, figure, row)

    def table_row(self, room, figure, row):
        if room != self.room:
            self.room = room
            print(f"\n{room:52} {'ours':>12}  {'±':>5} {'unit':12} {'rival':24} {'its':>12}  {'±':>5} {'ratio':>7}")
        name = row["name"].removeprefix(room + ".")
        line = f"{name:52} {number(row['value']):>12}  {part(spread(figure.values)):>5} {row['unit']:12}"
        if row["rival"]:
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
            line += (f" {row['rival']:24} {number(row['rival_value']):>12}  "
                     f"{part(spread(figure.rivals[row['rival']])):>5} {ratio:>7}")
        print(line.rstrip(), flush=True)


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def part(value):
    return "" if value is None else f"{value * 100:.0f}%"


def fdatasync_times(folder, count=200):
    """What the disk alone takes: appends of 128 bytes, each synced; milliseconds."""
    times = []
    with open(pathlib.Path(folder) / "raw", "wb", buffering=0) as file:
        for _ in range(count):
            started = time.perf_counter()
            file.write(b"x" * 128)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - started) * 1e3)
    return times


def machine():
    """One line about where the figures come from."""
    cpu = platform.processor() or platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    with tempfile.TemporaryDirectory(prefix="rhizome-bench-") as folder:
        times = fdatasync_times(folder)
    return (f"{cpu}, {os.cpu_count()} cores, Linux {platform.release()}, load {os.getloadavg()[0]:.1f}; "
            f"fdatasync of 128 bytes p50 {percentile(times, 50):.2f} ms, p99 {percentile(times, 99):.2f} ms")
