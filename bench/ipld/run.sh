#!/usr/bin/env bash
# DAG-CBOR throughput of Rhizome beside serde_ipld_dagcbor (Rust) and @ipld/dag-cbor (JavaScript), on the same bytes in
# the same run.
#
#   bench/ipld/run.sh [--json]
#
# With --json a line a figure: {"name", "value", "unit", "rival", "rival_value", "ratio"}; ratio = rival / ours, so below
# 1 we are ahead. Environment: RZ_BUILD_DIR (a release build; build/release), RZ_BENCH_CACHE (where the rivals are built,
# once; build/bench), RZ_BENCH_SECONDS (for each figure and turn; 0.15).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${RZ_BUILD_DIR:-$root/build/release}
cache=${RZ_BENCH_CACHE:-$root/build/bench}/ipld
seconds=${RZ_BENCH_SECONDS:-0.15}
json=no
[[ ${1:-} == --json ]] && json=yes
mkdir -p "$cache/inputs" "$cache/node"

say() { echo "$*" >&2; }

if [[ ! -x $build/bin/bench_ipld ]]; then
  say "building bench_ipld in $build"
  [[ -f $build/CMakeCache.txt ]] || cmake --preset release -S "$root" -B "$build" >&2
  cmake --build "$build" --target bench_ipld >&2
fi
"$build/bin/bench_ipld" --write "$cache/inputs"

rivals=()
if command -v cargo >/dev/null; then
  CARGO_TARGET_DIR=$cache/rust cargo build --quiet --release --locked --manifest-path "$here/rust/Cargo.toml" >&2
  rivals+=(rust)
else
  say "skipped serde_ipld_dagcbor: no cargo"
fi
if command -v npm >/dev/null; then
  if ! cmp -s "$here/node/package-lock.json" "$cache/node/package-lock.json" || [[ ! -d $cache/node/node_modules ]]; then
    cp "$here/node/package.json" "$here/node/package-lock.json" "$here/node/.npmrc" "$cache/node/"
    (cd "$cache/node" && npm ci --silent --no-audit --no-fund >&2)
  fi
  cp "$here/node/bench.mjs" "$cache/node/"
  rivals+=(node)
else
  say "skipped @ipld/dag-cbor: no npm"
fi

# In turn, three times, and the best of each figure counts: what else runs on the machine disturbs all alike.
results=$cache/results.txt
: >"$results"
for _ in 1 2 3; do
  "$build/bin/bench_ipld" "$cache/inputs" "$seconds" >>"$results"
  for rival in "${rivals[@]}"; do
    case $rival in
      rust) "$cache/rust/release/rival-dagcbor" "$cache/inputs" "$seconds" >>"$results" ;;
      node) node "$cache/node/bench.mjs" "$cache/inputs" "$seconds" >>"$results" ;;
    esac
  done
done

# One line a pair of ours and a rival's; the borrowing tree is held against the rivals' decoding.
awk -v json="$json" '
  $1 == "rhizome" {
    if (!(($2, $3) in ours)) { ours[$2, $3] = 0; order[++count] = $2 SUBSEP $3 }
    if ($4 + 0 > ours[$2, $3] + 0) ours[$2, $3] = $4
    next
  }
  {
    if ($4 + 0 > rival[$2, $3, $1] + 0) rival[$2, $3, $1] = $4
    if (!($1 in seen)) { seen[$1] = 1; names[++rivals] = $1 }
  }
  function line(name, value, unit, who, theirs) {
    if (json == "yes") {
      if (who == "") printf "{\"name\": \"%s\", \"value\": %s, \"unit\": \"%s\", \"rival\": null, \"rival_value\": null, \"ratio\": null}\n", name, value, unit
      else printf "{\"name\": \"%s\", \"value\": %s, \"unit\": \"%s\", \"rival\": \"%s\", \"rival_value\": %s, \"ratio\": %.3f}\n", name, value, unit, who, theirs, theirs / value
    } else if (who == "") printf "%-34s %10.1f %-6s\n", name, value, unit
    else printf "%-34s %10.1f %-6s %-20s %10.1f %8.2f\n", name, value, unit, who, theirs, theirs / value
  }
  END {
    if (json != "yes") printf "%-34s %10s %-6s %-20s %10s %8s\n", "figure", "ours", "unit", "rival", "its", "its/ours"
    for (i = 1; i <= count; i++) {
      split(order[i], part, SUBSEP)
      operation = part[1]; input = part[2]; value = ours[operation, input]
      if (operation == "header") { line("ipld.header." input, value, "k/s", "", 0); continue }
      for (r = 1; r <= rivals; r++) {
        theirs = rival[operation == "document" ? "decode" : operation, input, names[r]]
        if (theirs != "") line("ipld.dag_cbor." operation "." input, value, "MB/s", names[r], theirs)
      }
      if (rivals == 0) line("ipld.dag_cbor." operation "." input, value, "MB/s", "", 0)
    }
  }' "$results"
