#!/bin/sh
# hard.sh [N]: the whole of `make test`, N times (1), beside four busy loops and a loop
# that writes to the disk and syncs it: what is red then depends on the machine. It stops
# at the first red. Each run leaves its log, and a table of its slowest tests, in
# test/hard/, which git ignores. LIMIT is how many minutes a run may take (60).
set -eu
cd "$(dirname "$0")/.."
runs=${1:-1}
limit=$((${LIMIT:-60} * 60))
kept=test/hard
mkdir -p "$kept"
scratch=$(mktemp -d "$kept/disk.XXXXXX")
started=

# What was started ends with this script, and by itself should that be killed.
calm() {
	for one in $started; do kill "$one" 2>/dev/null || true; done
	started=
}
trap 'calm; rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

disturb() {
	for _ in 1 2 3 4; do
		timeout "$limit" sh -c 'while :; do :; done' &
		started="$started $!"
	done
	timeout "$limit" sh -c 'while :; do
		dd if=/dev/zero of="$0/file" bs=64k count=64 conv=fsync 2>/dev/null
	done' "$scratch" &
	started="$started $!"
}

i=0
while [ "$i" -lt "$runs" ]; do
	i=$((i + 1))
	log=$kept/$(date +%Y%m%d-%H%M%S).log
	echo "run $i of $runs: $log"
	begun=$(date +%s)
	disturb
	rc=0
	timeout "$limit" make --no-print-directory test TIMEOUT=25m TESTFLAGS=-v >"$log" 2>&1 &
	started="$started $!"
	wait $! || rc=$? # a signal ends it, unlike what is waited for in the foreground
	calm
	awk -f test/slowest.awk "$log" | tee "$log.slowest"
	echo "run $i of $runs: $(($(date +%s) - begun)) s, exit code $rc" | tee -a "$log"
	if [ "$rc" != 0 ]; then
		grep -E '^ *--- FAIL|^FAIL|^panic:|\*\*\* ' "$log" >&2 || tail -n 20 "$log" >&2
		echo "red: the whole log is $log" >&2
		exit 1
	fi
done
