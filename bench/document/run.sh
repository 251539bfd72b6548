#!/usr/bin/env bash
# The document engine on real keystrokes, beside its rivals (diamond-types, yrs) on the same traces in the same run.
#
#   bench/document/run.sh [--json]
#
# With --json a line a figure: {"name", "value", "unit", "rival", "rival_value", "ratio"}; less is better everywhere, so
# ratio = ours / rival's. Times are CPU milliseconds of one thread. Environment: RZ_BUILD_DIR (a release build;
# build/release), RZ_BENCH_CACHE (where the rivals are built, once; build/bench).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${RZ_BUILD_DIR:-$root/build/release}
cache=${RZ_BENCH_CACHE:-$root/build/bench}
shared=$root/../shared
say() { echo "$*" >&2; }

if [[ ! -d $shared/data/traces ]]; then
  say "skipped: no ../shared"
  exit 0
fi
if [[ ! -x $build/bin/document_bench ]]; then
  say "building document_bench in $build"
  [[ -f $build/CMakeCache.txt ]] || cmake --preset release -S "$root" -B "$build" >&2
  cmake --build "$build" --target document_bench >&2
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
"$build/bin/document_bench" "$shared/data/traces" >"$results/ours"

if command -v cargo >/dev/null && [[ -x $shared/peers/crdt/run.sh ]]; then
  rival() {  # library, trace, options
    local library=$1 trace=$2
    shift 2
    say "running $library on $trace"
    BUILD=$cache/crdt nice "$shared/peers/crdt/run.sh" "$library" "$shared/data/traces/$trace.json.gz" "$@" \
      >>"$results/rivals" || say "skipped $library on $trace: it failed"
  }
  for trace in automerge-paper rustcode json-crdt-patch; do
    rival dt "$trace"
    rival yrs "$trace" --batch txn --iters 1
  done
  rival dt friendsforever
  rival yrs friendsforever
else
  say "skipped the rivals: no cargo"
fi

python3 "$here/table.py" "$results" "${1:-}"
