#!/usr/bin/env bash
# What consensus costs, beside raft-rs doing the same job in the same run: three members in one process, 100-byte entries,
# CPU nanoseconds an entry for the whole cluster.
#
#   bench/raft/run.sh [--json]
#
# With --json a line a figure: {"name", "value", "unit", "rival", "rival_value", "ratio"}; ratio = ours / rival, so below 1
# we are ahead. Environment: RZ_BUILD_DIR (a release build; build/release), RZ_BENCH_CACHE (where the rival is built, once;
# build/bench), RZ_RAFT_ENTRIES (1000000).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${RZ_BUILD_DIR:-$root/build/release}
cache=${RZ_BENCH_CACHE:-$root/build/bench}/raft
entries=${RZ_RAFT_ENTRIES:-1000000}
rivals=$root/../shared/peers/raft
json=no
[[ ${1:-} == --json ]] && json=yes
mkdir -p "$cache"

say() { echo "$*" >&2; }

if [[ ! -x $build/bin/raft_bench ]]; then
  say "building raft_bench in $build"
  [[ -f $build/CMakeCache.txt ]] || cmake --preset release -S "$root" -B "$build" >&2
  cmake --build "$build" --target raft_bench >&2
fi

rival=$cache/raftrs.jsonl
: >"$rival"
if [[ ! -d $rivals ]]; then
  say "skipped: no ../shared"
elif ! command -v cargo >/dev/null; then
  say "skipped raft-rs: no cargo"
else
  # Its build wants protoc (protobuf-compiler).
  N=$entries BUILD=$cache/build "$rivals/run.sh" raftrs >"$rival" || say "skipped raft-rs: it does not build here"
fi
ours=$cache/rhizome.jsonl
"$build/bin/raft_bench" --json "$entries" >"$ours"

python3 - "$json" "$ours" "$rival" <<'PY'
import json
import sys

as_json, ours, rival = sys.argv[1] == "yes", *sys.argv[2:]
theirs = {line["batch"]: line["cpu_ns_per_entry_cluster"] for line in map(json.loads, open(rival))}
for figure in map(json.loads, open(ours)):
    batch = figure["name"].rpartition("batch_")[2]
    value = theirs.get(int(batch)) if batch.isdigit() else None
    figure.update(rival="raft-rs" if value else None, rival_value=value,
                  ratio=round(figure["value"] / value, 3) if value else None)
    if as_json:
        print(json.dumps(figure))
    else:
        beside = f"raft-rs {value:8.0f}   ratio {figure['ratio']:.2f}" if value else ""
        print(f"{figure['name']:36} {figure['value']:8.0f} {figure['unit']:6} {beside}")
PY
