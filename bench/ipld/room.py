"""DAG-CBOR throughput on one set of inputs, beside serde_ipld_dagcbor (Rust) and @ipld/dag-cbor (JavaScript).

`document` is our tree that borrows from the bytes; it stands beside the rivals' decoding.
"""
import pathlib

from figures import Figure

HERE = pathlib.Path(__file__).resolve().parent


def rates(text):
    """Lines "WHO OPERATION INPUT RATE" as {(operation, input): rate}."""
    lines = (line.split() for line in text.splitlines())
    return {(operation, name): float(rate) for _, operation, name, rate in lines}


def rust(bench, inputs, seconds):
    bench.needs("cargo")
    bench.command("cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", HERE / "rust/Cargo.toml",
                  CARGO_TARGET_DIR=str(bench.cache / "rust"))
    return lambda: rates(bench.command(bench.cache / "rust/release/rival-dagcbor", inputs, seconds))


def node(bench, inputs, seconds):
    there = bench.npm(HERE / "node", "bench.mjs")
    return lambda: rates(bench.command("node", there / "bench.mjs", inputs, seconds))


def run(bench):
    inputs, seconds = bench.cache / "inputs", 0.02 if bench.quick else 0.1
    inputs.mkdir(parents=True, exist_ok=True)
    bench.program("ipld_bench", "--write", inputs)
    rivals = {"serde_ipld_dagcbor": bench.rival("serde_ipld_dagcbor", lambda: rust(bench, inputs, seconds)),
              "@ipld/dag-cbor": bench.rival("@ipld/dag-cbor", lambda: node(bench, inputs, seconds))}
    ours, theirs = bench.in_turn(5, lambda: bench.text("ipld_bench", inputs, seconds), rivals)
    ours = [rates(text) for text in ours]
    for operation, name in ours[0]:
        values = [each[operation, name] for each in ours]
        if operation == "header":
            bench.show(Figure(f"event header {name}", "k/s", values, "more"))
            continue
        figure = Figure(f"dag_cbor {operation} {name}", "MB/s", values, "more")
        same = "decode" if operation == "document" else operation
        for rival, runs in theirs.items():
            figure.beside(rival, [each.get((same, name)) for each in runs])
        bench.show(figure)
