# shellcheck shell=bash
# ./dev setup: what the build needs, taken from Debian and npm; what is new enough already is taken as it is.

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "needs root or sudo to install packages: $*"; fi
}

# at_least HAVE WANT: compares dotted versions.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

# missing_packages LIST: those of a list file that are not installed.
missing_packages() {
  local package
  sed -E 's/#.*//; s/[[:space:]]+//g; /^$/d' "$1" | while read -r package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

setup_packages() {
  local missing
  missing=$(missing_packages "$1")
  [ -z "$missing" ] && return 0
  say "installing from Debian: $(echo "$missing" | tr '\n' ' ')"
  as_root apt-get -o DPkg::Lock::Timeout=600 -qq update
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq install -y \
    --no-install-recommends $missing >build/setup.log 2>&1 || { tail -n 20 build/setup.log >&2; die "apt-get failed"; }
}

# Node 20.19 or newer: the system's where it is, otherwise npm's own package `node`, kept inside build/.
setup_node() {
  local have
  have=$(node --version 2>/dev/null | tr -d v || true)
  if [ -n "$have" ] && at_least "$have" 20.19; then return 0; fi
  if [ ! -x build/tools/node_modules/node/bin/node ]; then
    say "installing Node.js 22 inside build/tools (the system's is '${have:-none}')"
    command -v npm >/dev/null || as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get -o DPkg::Lock::Timeout=600 -qq install -y --no-install-recommends nodejs npm >>build/setup.log 2>&1
    mkdir -p build/tools && npm install --silent --no-fund --no-audit --prefix build/tools node@22 npm@10
  fi
  use_local_node
}

use_local_node() {
  if [ -x "$root/build/tools/node_modules/node/bin/node" ]; then
    PATH="$root/build/tools/node_modules/node/bin:$root/build/tools/node_modules/.bin:$PATH"
  fi
}

# npm_ready DIR...: node_modules as the lock file says, installed only when the lock file is newer.
npm_ready() {
  local dir
  for dir in "$@"; do
    [ -f "$dir/package-lock.json" ] || continue
    if [ ! -f "$dir/node_modules/.rz-lock" ] || ! cmp -s "$dir/package-lock.json" "$dir/node_modules/.rz-lock"; then
      say "npm packages of $dir"
      (cd "$dir" && npm ci --no-fund --no-audit --silent) && cp "$dir/package-lock.json" "$dir/node_modules/.rz-lock"
    fi
  done
}

cmd_setup() {
  mkdir -p build
  setup_packages tools/apt-packages.txt
  setup_node
  say "set up"
}
