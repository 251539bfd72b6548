#!/usr/bin/env python3
"""A recorded editing session through real devices: started, paired and synchronised as a person's are.

usage: replay.py TRACE [--devices N] [--json]

TRACE is a gzipped JSON file: {startContent?, endContent, numAgents?, txns: [{parents?, agent?, patches:
[[position, deleted, inserted]]}]}; positions count code points.

A sequential trace is dealt in turn: a device has the whole text before it makes its share of the edits. In a concurrent
trace agent A types on device A mod N. Devices that are connected hear of each other within milliseconds, so none could
be held at the version a transaction was made on: the transaction's positions are carried over to the text its device
has by then, as an editor's page does, and that is said. Ends with a line {"ok","edits","sha256","cpu_ms"}: whether all
devices hold the same text (for a sequential trace, exactly the recorded end), how many edits, the text's hash, and the
processor time of all devices together.
"""
import argparse
import gzip
import hashlib
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from devices import BINARY, Device, DeviceError, pair, wait_for  # noqa: E402

CHANGES_A_CALL = 2000  # One HTTP request's worth: far below its limit, and little to repeat.
VIEWS_MAX = 8  # Versions of the text kept for those who go on typing; the others are made anew.
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def load(path):
    data = gzip.open(path) if str(path).endswith(".gz") else open(path, "rb")
    with data:
        trace = json.load(data)
    if not isinstance(trace.get("txns"), list) or not isinstance(trace.get("endContent"), str):
        raise ValueError("it has no txns or no endContent")
    return trace


def is_concurrent(trace):
    return trace.get("kind") == "concurrent" or trace.get("numAgents", 1) > 1 or any("parents" in each for each in trace["txns"][:2])


class Merge:
    """Every character ever inserted, in one order, so that a position in an old version is a position in today's text."""

    def __init__(self, agents):
        self.items, self.visible = [], []       # Of all characters; of those that stand in today's text.
        self.inserted_by, self.deleted_by = [], []
        self.agents = agents

    def view(self, unseen):
        """The text as somebody saw it who knows all but the transactions in `unseen`."""
        if not unseen:
            return list(self.visible)
        return [i for i in self.items if self.inserted_by[i] not in unseen and self.deleted_by[i] <= unseen]

    def patch(self, view, unseen, txn, position, deleted, inserted):
        """Applies it to the view and to today's text; the changes today's text needs."""
        changes = []
        for item in view[position:position + deleted]:
            if not self.deleted_by[item]:
                at = self.visible.index(item, 0)
                del self.visible[at]
                if changes and changes[-1][0] == at:
                    changes[-1][1] += 1
                else:
                    changes.append([at, 1, ""])
            self.deleted_by[item].add(txn)
        del view[position:position + deleted]
        if inserted:
            changes.append(self._insert(view, unseen, txn, position, inserted))
        return changes

    def _insert(self, view, unseen, txn, position, inserted):
        at = self.items.index(view[position - 1]) + 1 if position else 0
        while unseen and at < len(self.items) and self.inserted_by[self.items[at]] in unseen \
                and self.agents[self.inserted_by[self.items[at]]] < self.agents[txn]:
            at += 1
        left = at - 1
        while left >= 0 and self.deleted_by[self.items[left]]:
            left -= 1
        place = self.visible.index(self.items[left]) + 1 if left >= 0 else 0
        new = range(len(self.inserted_by), len(self.inserted_by) + len(inserted))
        self.inserted_by += [txn] * len(inserted)
        self.deleted_by += [set() for _ in new]
        self.items[at:at] = self.visible[place:place] = view[position:position] = new
        return [place, 0, inserted]


def concurrent_shares(trace, count):
    """(device, changes, edits) in an order in which everything comes after its parents."""
    txns = trace["txns"]
    agents = [each.get("agent", 0) for each in txns]
    merge, seen, everything = Merge(agents), [], 0
    if trace.get("startContent"):
        raise ValueError("a concurrent trace with a startContent")
    views = {}  # By agent: its last transaction, the text as it saw it then, and what it did not know.
    for number, txn in enumerate(txns):
        parents = txn.get("parents", [number - 1] if number else [])
        known = 0
        for parent in parents:
            known |= seen[parent]
        last, view, unseen = views.pop(agents[number], (None, None, None))
        if last is not None and parents == [last]:
            unseen.update(range(last + 1, number))  # It went on typing, and still knows nothing of the others.
        else:
            missing = bin(everything & ~known)[:1:-1]
            unseen = {index for index, bit in enumerate(missing) if bit == "1"}
            view = merge.view(unseen)
        views[agents[number]] = number, view, unseen
        if len(views) > VIEWS_MAX:
            del views[next(iter(views))]
        seen.append(known | 1 << number)
        everything |= 1 << number
        changes = []
        for position, deleted, inserted in txn["patches"]:
            changes += merge.patch(view, unseen, number, position, deleted, inserted)
        yield agents[number] % count, changes, len(txn["patches"])


def sequential_shares(trace, count):
    for number, txn in enumerate(trace["txns"]):
        yield number // CHANGES_A_CALL % count, txn["patches"], len(txn["patches"])


def calls(shares):
    """Neighbouring shares of one device become one call."""
    device, changes, edits = None, [], 0
    for owner, more, count in shares:
        if changes and (owner != device or len(changes) + len(more) > 2 * CHANGES_A_CALL):
            yield device, changes, edits
            changes, edits = [], 0
        device, edits = owner, edits + count
        changes.extend(more)
    if edits:
        yield device, changes, edits


def processor_ms(devices):
    total = 0
    for device in devices:
        fields = pathlib.Path(f"/proc/{device.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total * 1000 // TICKS_A_SECOND


def replay(trace, devices, tell):
    concurrent = is_concurrent(trace)
    if concurrent:
        tell("concurrent: each agent's positions are carried over to the text its device has by then")
    document = devices[0].post("/api/documents?wait=local", {"title": "Replayed", "text": trace.get("startContent", "")})["id"]
    for device in devices[1:]:
        wait_for("the document everywhere", lambda each=device: each.text(document) == trace.get("startContent", ""))
    began, edits, last, shown = processor_ms(devices), 0, None, time.monotonic()
    shares = concurrent_shares(trace, len(devices)) if concurrent else sequential_shares(trace, len(devices))
    for number, changes, count in calls(shares):
        device = devices[number]
        if last not in (None, device):
            # Its closed event, not only its provisional tail, on which nobody builds.
            heads = last.status()["frontier"][document]
            wait_for(f"{device.name} to have the text", lambda: device.status()["frontier"].get(document) == heads,
                     every=0.002)
        device.edit(document, changes, "visible" if len(devices) == 1 else "local")
        edits, last = edits + count, device
        if time.monotonic() > shown + 1:
            shown = time.monotonic()
            tell(f"{edits} edits")
    text = last.text(document) if last else trace.get("startContent", "")
    same = True
    for device in devices:
        try:
            wait_for("equal texts", lambda each=device: each.text(document) == text, timeout=60)
        except DeviceError as error:
            same = False
            tell(str(error)[:300])
    exact = text == trace["endContent"]
    tell("the recorded end" if exact else "not the recorded end" + (" (which depends on the algorithm)" if concurrent else ""))
    return {"ok": same and (exact or concurrent), "edits": edits,
            "sha256": hashlib.sha256(text.encode()).hexdigest(), "cpu_ms": processor_ms(devices) - began}


def main():
    parser = argparse.ArgumentParser(prog="./dev replay", description="A recorded editing session through real devices.")
    parser.add_argument("trace", metavar="TRACE", help="a gzipped trace, as ../shared/data/traces holds them")
    parser.add_argument("--devices", type=int, choices=(1, 2, 3), default=3, help="how many (default: 3)")
    parser.add_argument("--json", action="store_true", help="only the last line, in JSON")
    options = parser.parse_args()
    try:
        trace = load(options.trace)
    except (OSError, ValueError, EOFError) as error:
        print(f"dev replay: {options.trace}: {error}", file=sys.stderr)
        return 3
    if not BINARY.exists():
        print(f"dev replay: there is no {BINARY}: ./dev build", file=sys.stderr)
        return 1

    def tell(text):
        if not options.json:
            print(text, file=sys.stderr, flush=True)

    def ended(*_):
        raise SystemExit(1)

    signal.signal(signal.SIGTERM, ended)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rhizome-replay-"))
    devices = [Device(name, folder / name) for name in ("laptop", "phone", "tablet")[:options.devices]]
    try:
        devices[0].init()
        devices[0].start()
        for device in devices[1:]:
            pair(devices[0], device)
            device.start()
        if len(devices) == 3:
            wait_for("three voters", lambda: devices[0].status()["quorum"]["voters"] == 3, timeout=60)
        result = replay(trace, devices, tell)
        print(json.dumps(result))
        return 0 if result["ok"] else 1
    except DeviceError as error:
        print(f"dev replay: {error}", file=sys.stderr)
        return 1
    finally:
        for device in devices:
            device.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
