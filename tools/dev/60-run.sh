# shellcheck shell=bash
# ./dev up, replay, bench, fuzz, count, clean, help

cmd_up() {
  [ -x build/release/bin/rhizome ] && [ -f web/dashboard/dist/index.html ] || cmd_build
  exec python3 tools/up.py "$@"
}

cmd_replay() {
  [ -x build/release/bin/rhizome ] || cmd_build >&2
  exec python3 tools/replay.py "$@"
}

cmd_sim() {
  configure release && build_preset release --target rhizome-sim >&2 && exec build/release/bin/rhizome-sim "$@"
}

cmd_count() { exec python3 tools/count.py "$@"; }

# What rivals need is installed only where there are rivals; without it they are skipped.
cmd_bench() {
  cmd_setup >&2
  [ ! -d ../shared/peers ] || (setup_packages tools/apt-packages-rivals.txt) >&2 || note "some rivals will be skipped" >&2
  configure release && exec python3 bench/run.py "$@"
}

# fuzz_one BINARY SECONDS: the corpus grows under build/, never in the tree.
fuzz_one() {
  local binary=$1 seconds=$2 name=${1##*/fuzz_}
  mkdir -p "build/fuzz/$name" "build/fuzz/failures"
  if "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
    -artifact_prefix="build/fuzz/failures/$name-" "build/fuzz/$name" "fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1; then
    note "fuzz $name: nothing found in $seconds s"
  else
    tail -n 30 "build/fuzz/$name.log"; printf 'fuzz %s: FAILED, see build/fuzz/failures\n' "$name"
    return 1
  fi
}

# fuzz_each SECONDS [TARGET]: as many at once as there are processors.
fuzz_each() {
  local seconds=$1 only=${2:-} binary pid failed=0 running=()
  for binary in build/asan/bin/fuzz_*; do
    { [ -x "$binary" ] && { [ -z "$only" ] || [ "$only" = "${binary##*/fuzz_}" ]; }; } || continue
    fuzz_one "$binary" "$seconds" & running+=("$!")
    [ "${#running[@]}" -lt "$jobs" ] && continue
    wait "${running[0]}" || failed=1
    running=("${running[@]:1}")
  done
  for pid in "${running[@]}"; do wait "$pid" || failed=1; done
  return $failed
}

cmd_fuzz() {
  cmd_setup && build_preset asan
  fuzz_each "${2:-60}" "${1:-}"
}

cmd_clean() { rm -rf build web/dashboard/dist web/dashboard/node_modules tests/browser/node_modules; say "clean"; }

cmd_help() {
  cat <<'HELP'
usage: ./dev COMMAND

  up [--import DIR] [--fresh]    one pod on three devices, live; prints the addresses to open
  test                           build and run every test
  test ci | test long            sanitizers, fuzzing, kill rounds | the long counts
  build                          build/release/bin/rhizome, the page, build/wasm/rhizome_document.wasm
  check                          format, levels of rooms, lint
  bench [ROOM] [--json]          figures beside the rivals' on this machine, in this run
  sim [--seeds N] [--seed S]     whole pods under faults, from a seed (docs/guides/simulator.md)
  fuzz [TARGET] [SECONDS]        libFuzzer on one decoder, or on each
  replay TRACE [--devices N]     a recorded editing session through real devices
  count ROOM [--json]            lines of code of a room, without comments, blanks and tests
  setup                          install what the build needs (the others do it by themselves)
  clean                          remove everything built
HELP
}
