# shellcheck shell=bash
# ./dev build: the program, the page, the WebAssembly module.

configure() { [ -f "build/$1/build.ninja" ] || cmake --preset "$1" >"build/$1.configure.log" 2>&1 ||
  { tail -n 30 "build/$1.configure.log" >&2; return 1; }; }
build_preset() { local preset=$1; shift; configure "$preset" && cmake --build --preset "$preset" -j "$jobs" "$@"; }

build_web() {
  [ -f web/dashboard/package-lock.json ] || return 0
  npm_ready web/dashboard
  local newest
  newest=$(find web/dashboard -path '*/node_modules' -prune -o -path '*/dist' -prune -o -type f -newer \
    web/dashboard/dist/index.html -print 2>/dev/null | head -n1 || true)
  if [ ! -f web/dashboard/dist/index.html ] || [ -n "$newest" ]; then
    (cd web/dashboard && npm run --silent build)
  fi
}

build_wasm() {
  sodium_source && build_preset wasm
}

# libsodium for WebAssembly is compiled from Debian's own source package (docs/decisions/0003): fetched once, into build/.
sodium_source() {
  [ -d build/wasm-deps/libsodium/src/libsodium ] && return 0
  say "fetching libsodium's source from Debian"
  local deps=$root/build/wasm-deps file
  rm -rf "$deps" && mkdir -p "$deps/sources.d" "$deps/lists/partial" "$deps/src"
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    grep -q '^Suites:.*bookworm' "$file" || grep -q '^Suites:.*stable' "$file" || continue
    sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$deps/sources.d/$(basename "$file")"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$file" ] || continue
    grep -E '^deb[[:space:]].*(bookworm|stable)' "$file" | grep -v 'cloud' | sed -E 's/^deb[[:space:]]/deb-src /' \
      >"$deps/sources.d/$(basename "$file" .list)-src.list" || true
  done
  local apt=(apt-get -o DPkg::Lock::Timeout=600 -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$deps/sources.d"
             -o Dir::State::Lists="$deps/lists" -o APT::Sandbox::User=root -qq)
  "${apt[@]}" update && (cd "$deps/src" && "${apt[@]}" source libsodium >"$deps/source.log" 2>&1) ||
    { tail -n 5 "$deps/source.log" >&2; return 1; }
  mv "$deps"/src/libsodium-*/ "$deps/libsodium"
}

cmd_build() {
  cmd_setup
  build_preset release
  build_web
  build_wasm
  say "built: build/release/bin/rhizome, build/wasm/rhizome_document.wasm, web/dashboard/dist"
}
