#!/bin/bash
# A stock Kubo connects to our listener and pings it, and is dialled and pinged by it: over loopback, offline.
# usage: kubo_test.sh LISTEN_PROGRAM KUBO_DIR      exit 77: skipped
set -u
listen=$1 kubo_dir=$2
ipfs=$kubo_dir/ipfs
if [ ! -x "$ipfs" ]; then
  echo "skipped: Kubo is not built"
  exit 77
fi
work=$(mktemp -d)
export IPFS_PATH=$work/repo IPFS_TELEMETRY=off
started=()
# shellcheck disable=SC2317
cleanup() {
  exec 9>&-
  [ ${#started[@]} -gt 0 ] && kill "${started[@]}" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT
fail() {
  echo "FAILED: $*"
  sed 's/^/  ours: /' "$work/ours.log" 2>/dev/null
  tail -n 20 "$work/kubo.log" 2>/dev/null | sed 's/^/  kubo: /'
  exit 1
}
# wait_for FILE PATTERN: until a line of the file matches, at most 60 seconds.
wait_for() {
  for _ in $(seq 600); do
    grep -qE "$2" "$1" 2>/dev/null && return 0
    sleep 0.1
  done
  return 1
}

"$ipfs" init --profile=test >/dev/null 2>&1 || fail "ipfs init"
set_config() { "$ipfs" config --json "$1" "$2" || fail "ipfs config $1"; }
set_config AutoConf.Enabled false
set_config Bootstrap '[]'
set_config DNS.Resolvers '{}'
set_config Routing '{"Type": "none"}'
set_config Ipns.DelegatedPublishers '[]'
set_config AutoTLS.Enabled false
set_config Swarm.DisableNatPortMap true
set_config Discovery.MDNS.Enabled false
set_config Addresses '{"Swarm": ["/ip4/127.0.0.1/tcp/0"], "API": "/ip4/127.0.0.1/tcp/0", "Gateway": []}'
"$ipfs" daemon >"$work/kubo.log" 2>&1 &
started+=($!)
wait_for "$work/kubo.log" '^Daemon is ready' || fail "Kubo did not start"

kubo_id=$("$ipfs" id -f '<id>')
kubo_address=$("$ipfs" swarm addrs local | head -n 1)/p2p/$kubo_id
mkfifo "$work/input"

# Kubo dials us.
"$listen" <"$work/input" >"$work/ours.log" 2>&1 &
ours=$!
started+=("$ours")
exec 9>"$work/input"
wait_for "$work/ours.log" '^listening ' || fail "our listener did not start"
address=$(sed -n 's/^listening //p' "$work/ours.log")
our_id=${address##*/}
"$ipfs" swarm connect "$address" || fail "Kubo could not connect"
wait_for "$work/ours.log" "^connected $kubo_id" || fail "Kubo's connection did not arrive"
pings=$("$ipfs" ping -n 3 "$our_id") || fail "ipfs ping: $pings"
echo "$pings"
[ "$(grep -c 'Pong received' <<<"$pings")" = 3 ] || fail "not three pongs"
agent=$("$ipfs" id -f '<aver>' "$our_id")
[[ $agent == rhizome/* ]] || fail "identify: agent '$agent'"
"$ipfs" swarm peers -v | grep -F "$our_id"
kill -0 "$ours" || fail "our listener died"

# We dial Kubo: another node, with another key.
"$listen" "$kubo_address" <"$work/input" >"$work/ours.log" 2>&1 9>&- &
started+=($!)
wait_for "$work/ours.log" "^dialled $kubo_id kubo/" || fail "we could not dial Kubo"
[ "$(grep -c '^pong ' "$work/ours.log")" = 3 ] || fail "Kubo did not answer our pings"
echo "OK: Kubo ($("$ipfs" version --number)) and $agent connect, identify and ping both ways"
