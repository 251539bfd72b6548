# shellcheck shell=bash
# How ./dev speaks, and how it counts what passed.

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' dim=$'\e[2m' plain=$'\e[0m'
else bold='' red='' green='' dim='' plain=''; fi

say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }
note() { printf '    %s%s%s\n' "$dim" "$*" "$plain"; }
die() { printf '%sdev: %s%s\n' "$red" "$*" "$plain" >&2; exit 1; }

jobs=${RZ_JOBS:-$(nproc)}
steps_passed=0 steps_failed=0 steps_failed_names=''

# step NAME COMMAND...: runs it, times it, counts it; a failure is remembered, not fatal.
step() {
  local name=$1 started=$SECONDS; shift
  say "$name"
  if "$@"; then
    steps_passed=$((steps_passed + 1))
    printf '    %sok%s %s (%d s)\n' "$green" "$plain" "$name" $((SECONDS - started))
  else
    steps_failed=$((steps_failed + 1)); steps_failed_names+=" [$name]"
    printf '    %sFAILED%s %s (%d s)\n' "$red" "$plain" "$name" $((SECONDS - started))
  fi
}

# step_within MINUTES NAME COMMAND...: a step that takes about so long; left out, and said, where RZ_DEADLINE (seconds since
# the epoch) comes sooner.
step_within() {
  local minutes=$1; shift
  if [ -n "${RZ_DEADLINE:-}" ] && [ $(($(date +%s) + minutes * 60)) -gt "$RZ_DEADLINE" ]; then
    say "$1"; note "skipped: about $minutes minutes, and the time is up: run it by ./dev test ci"
    return 0
  fi
  step "$@"
}

# steps_close WHAT: the closing line; writes the counts for .ci/run to add up; the exit code tells.
steps_close() {
  [ -n "$steps_failed_names" ] && printf '%sfailed:%s%s\n' "$red" "$plain" "$steps_failed_names"
  [ -n "${RZ_COUNTS:-}" ] && printf '%d %d\n' "$steps_passed" "$steps_failed" >>"$RZ_COUNTS"
  printf '%s: %d passed, %d failed\n' "$1" "$steps_passed" "$steps_failed"
  [ "$steps_failed" -eq 0 ]
}
