# shellcheck shell=bash
# ./dev check: format, levels of rooms, file lengths, forbidden calls, self-contained headers, clang-tidy on what changed.

cpp_files() { git ls-files --cached --others --exclude-standard -- '*.cc' '*.h'; }

check_format() { cpp_files | xargs -r clang-format-22 --dry-run -Werror; }
check_tidy() { python3 tools/tidy.py; }
check_headers() {
  configure release && python3 tools/self_contained.py --build build/release
}
check_shell() { local f; for f in dev .ci/run tools/dev/*.sh; do bash -n "$f" || return 1; done; }

# Since the last commit that main shares with its upstream; without one, since the commit before.
check_clang_tidy() {
  local base changed
  base=$(git merge-base HEAD '@{upstream}' 2>/dev/null || git rev-parse -q --verify HEAD~1 2>/dev/null || true)
  [ -n "$base" ] || { note "no earlier commit to compare with"; return 0; }
  changed=$( (git diff --name-only --diff-filter=d "$base" -- 'src/*.cc'; git ls-files --others --exclude-standard -- 'src/*.cc') |
    grep -v '_test\.cc$' | sort -u | head -n "${RZ_TIDY_FILES:-40}" || true)
  [ -n "$changed" ] || return 0
  configure release && echo "$changed" | xargs -P "$jobs" -n 4 clang-tidy-22 -p build/release --quiet --warnings-as-errors='*' 2>/dev/null
}

cmd_check() {
  cmd_setup
  step 'clang-format' check_format
  step 'rooms, lengths, forbidden calls' check_tidy
  step 'self-contained headers' check_headers
  step 'shell scripts parse' check_shell
  step 'clang-tidy on what changed' check_clang_tidy
  steps_close check
}
