#!/bin/sh
# Runs every fuzz target for FUZZTIME, as many at once as there are processors. Each
# package is built once. Only this module's own code gets the instruments that fuzzing
# needs: go test -fuzz gives them to all that it depends on, which takes minutes to
# build.
set -eu
go=${GO:-go}
module=$($go list -m)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for package in $(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u); do
	program=$dir/$(echo "$package" | tr './' '__')
	$go test -c -vet=off -ldflags='-s -w' -gcflags="$module/...=-d=libfuzzer" -o "$program" "$package"
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' "$package"/*_test.go); do
		echo "$package $program $target" >>"$dir/targets"
	done
done
# A number of executions, not a time: where a time is up, Go may report the end of its
# own context as a failure.
export FUZZTIME="${FUZZTIME:-5000x}"
xargs -P "$(getconf _NPROCESSORS_ONLN)" -L 1 sh -c '
	cd "$0"
	if "$1" -test.run="^\$" -test.fuzz="^$2\$" -test.fuzztime="$FUZZTIME" -test.fuzzminimizetime=100x \
		-test.parallel=1 -test.fuzzcachedir="$1.corpus" >"$1.$2.log" 2>&1
	then echo "fuzz $0 $2: $(grep -o "execs: [0-9]*" "$1.$2.log" | tail -n 1)"
	else cat "$1.$2.log"; echo "fuzz $0 $2 failed"; exit 255
	fi' <"$dir/targets"
