"""What consensus costs, beside raft-rs and etcd's raft on the same job: three members in one process, 100-byte entries, CPU
nanoseconds an entry for the whole cluster."""
import json

from figures import gather

RIVALS = {"raftrs": ("raft-rs", ("cargo", "protoc")), "etcd": ("etcd-raft", ("go",))}


def rival(bench, which, entries):
    _, needed = RIVALS[which]
    bench.needs(*needed)
    script = bench.peer("peers", "raft", "run.sh")
    bench.say(f"building {which}")

    def call(count):
        text = bench.command("bash", script, which, N=str(count), BUILD=str(bench.cache / "build"))
        return {line["batch"]: line["cpu_ns_per_entry_cluster"] for line in map(json.loads, text.splitlines())}

    call(1000)  # A first, small run builds it: it compiles outside the turns.
    return lambda: call(entries)


def run(bench):
    entries = 20_000 if bench.quick else 1_000_000
    rivals = {name: bench.rival(name, lambda which=which: rival(bench, which, entries))
              for which, (name, _) in RIVALS.items()}
    rounds, theirs = bench.in_turn(3, lambda: bench.program("raft_bench", "--json", entries), rivals)
    for figure in gather(rounds):
        batch = figure.name.rpartition("batch_")[2]
        for name, runs in theirs.items():
            if batch.isdigit():
                figure.beside(name, [each.get(int(batch)) for each in runs])
        bench.show(figure)
