"""The document engine on recorded keystrokes, beside diamond-types, yrs, automerge and loro (Rust), yjs and json-joy (Node)
on the same traces.

CPU milliseconds: of one thread, and of the whole process where that is Node. The rivals' local typing is one transaction
for all, but a transaction an edit in yrs, which is far slower with one for all.
"""
import json
import subprocess

from figures import Missing, gather, reason

TRACE_TIMEOUT_S = 180  # A rival that takes longer than this for a trace is left out there.
SEQUENTIAL = ("automerge-paper", "rustcode", "json-crdt-patch")
CONCURRENT = ("friendsforever", "git-makefile")
# As ../shared/peers/crdt calls it -> its name, the saved form with the whole history, the form that opens fastest.
RIVALS = {"dt": ("diamond-types", "dt_lz4", "dt_lz4"), "yrs": ("yrs", "v1", "v1"),
          "automerge": ("automerge", "save", "save"), "loro": ("loro", "updates", "snapshot")}

# As ../shared/peers/crdt-node calls it -> its name and its one saved form. Sequential traces only.
NODE_RIVALS = {"yjs": ("yjs", "v1"), "jsonjoy": ("json-joy", "binary")}


def values_of(run, history, snapshot):
    """A rival's run in the words of our figures."""
    history, snapshot = run[history], run[snapshot]
    return {"typed in": run.get("local_ms"), "merge full history": history["load_plus_text_ms"],
            "open checkpoint": snapshot["load_plus_text_ms"], "operations": history["bytes"],
            "checkpoint": snapshot["bytes"], "memory": snapshot["mem_after_text"],
            "one by one": run.get("stream_updates", {}).get("apply_ms")}


def each_trace(bench, name, traces, run):
    """What `run` gives of each trace; a trace that the rival refuses, or is too slow for, is left out from then on."""
    left = list(traces)

    def run_all():
        done = {}
        for trace in list(left):
            try:
                done[trace] = run(trace)
            except (subprocess.SubprocessError, ValueError, KeyError) as error:
                bench.say(f"skipped {name} on {trace}: {reason(error)}")
                left.remove(trace)
        return done
    return run_all


def rust_rival(bench, library, traces):
    bench.needs("cargo")
    script = bench.peer("peers", "crdt", "run.sh")
    name, history, snapshot = RIVALS[library]

    def run(trace):
        options = ["--batch", "txn"] if library == "yrs" and trace in SEQUENTIAL else []
        options += ["--iters", 1 if library in ("yrs", "automerge") else 3]
        done = json.loads(bench.command("bash", script, library, traces / f"{trace}.json.gz", *options,
                                        timeout=TRACE_TIMEOUT_S, BUILD=str(bench.cache / "crdt")))
        # Which end a trace with inserts at one place has is each algorithm's own choice.
        if not done["text_ok"] and trace != "git-makefile":
            raise ValueError("its text is wrong")
        return values_of(done, history, snapshot)

    bench.say(f"building {name}")
    build = str(bench.cache / "crdt")
    bench.command("bash", script, "dt", traces / "json-crdt-patch.json.gz", "--iters", 1, BUILD=build)
    return each_trace(bench, name, SEQUENTIAL + CONCURRENT, run)


def node_rival(bench, library, traces):
    there = bench.npm(bench.peer("peers", "crdt-node"), "bench.mjs")
    name, saved = NODE_RIVALS[library]

    def run(trace):
        done = json.loads(bench.command("node", "--expose-gc", "bench.mjs", library, traces / f"{trace}.json.gz", 1,
                                        where=there, timeout=TRACE_TIMEOUT_S))
        if not done["text_ok"]:
            raise ValueError("its text is wrong")
        file = done[saved]
        opened = file["load_text_ms"]
        return {"typed in": done["local_ms"], "merge full history": opened, "open checkpoint": opened,
                "operations": file["bytes"], "checkpoint": file["bytes"]}

    return each_trace(bench, name, SEQUENTIAL, run)


def run(bench):
    try:
        traces = bench.peer("data", "traces")
    except Missing as error:
        bench.say(f"skipped the recorded traces: {error}")
        traces = None
    if bench.quick:
        traces = None
    words = [] if traces is None else ["--traces", traces]
    rivals = {}
    if traces is not None:
        for library, (name, *_) in RIVALS.items():
            rivals[name] = bench.rival(name, lambda library=library: rust_rival(bench, library, traces))
        for library, (name, _) in NODE_RIVALS.items():
            rivals[name] = bench.rival(name, lambda library=library: node_rival(bench, library, traces))
    rounds, theirs = bench.in_turn(3, lambda: bench.program("document_bench", "--runs", 3, *words), rivals)
    for figure in gather(rounds):
        trace, _, what = figure.name.partition(" ")
        for name, runs in theirs.items():
            figure.beside(name, [each.get(trace, {}).get(what) for each in runs])
        bench.show(figure)
