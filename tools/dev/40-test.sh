# shellcheck shell=bash
# ./dev test [ci|long]

# Every test of a build tree, with the names of what failed.
run_ctest() { ctest --test-dir "build/$1" --output-on-failure -j "$jobs" "${@:2}"; }

web_tests() { [ ! -f web/dashboard/package.json ] || (cd web/dashboard && npm run --silent check && npm test --silent); }

browser_tests() {
  [ -f tests/browser/package-lock.json ] || return 0
  npm_ready tests/browser && (cd tests/browser && npm test --silent)
}

end_to_end() {
  local script failed=0
  for script in tests/e2e/*_test.py; do
    [ -f "$script" ] || continue
    note "$script"
    python3 "$script" || failed=1
  done
  return $failed
}

wasm_smoke() { node tests/wasm/smoke.mjs build/wasm/rhizome_document.wasm; }

asan_tests() { build_preset asan && ASAN_OPTIONS=detect_leaks=1 run_ctest asan -E '^(fuzz_|.*_slow)'; }
tsan_tests() { build_preset tsan --target host_test && build/tsan/bin/host_test; }
gcc_build() { RZ_JOBS=$jobs build_preset gcc --target all; }
fuzz_short() { build_preset asan && fuzz_each "${RZ_FUZZ_SECONDS:-8}"; }
sim_seeds() { build_preset release --target rhizome-sim && build/release/bin/rhizome-sim --seeds "$1"; }
kill_rounds() { python3 tests/kill/kill_rounds.py --bin build/release/bin --rounds "$1"; }

cmd_test() {
  local kind=${1:-}
  case $kind in
    '')
      cmd_build
      step 'unit, property and scripted tests' run_ctest release
      step 'WebAssembly: imports and smoke test' wasm_smoke
      step 'page: types and unit tests' web_tests
      step 'end to end: real processes' end_to_end
      step 'page in a real browser' browser_tests
      ;;
    ci)
      cmd_setup
      step 'address and undefined-behaviour sanitizers' asan_tests
      step_within 6 'fuzzing, a short time each' fuzz_short
      step 'simulator, 200 seeds' sim_seeds 200
      step_within 4 'kill -9, 50 rounds' kill_rounds 50
      step_within 15 'GCC 12 compiles it too' gcc_build
      step_within 11 'thread sanitizer' tsan_tests
      ;;
    long)
      cmd_build
      step 'simulator, 20,000 seeds' sim_seeds 20000
      step 'kill -9, 1000 rounds' kill_rounds 1000
      RZ_FUZZ_SECONDS=300 step 'fuzzing, five minutes each' fuzz_short
      ;;
    *) die "test what? ./dev test, ./dev test ci, ./dev test long" ;;
  esac
  steps_close "test${kind:+ $kind}"
}
