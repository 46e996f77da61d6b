#!/bin/bash
# The stock scenarios with their expectations, every invariant checked after every turn; then the
# tables of this folder. usage: tests/scenarios/run.sh BUILD [--update]
cd "$(dirname "$0")/../.." || exit 2
build=$1 update=$2
passed=0 failed=0
for s in sim/scenarios/*.yaml; do
	if out=$("$build/tapir" run --no-trace --check "$s" 2>&1); then
		echo "ok $s"
		passed=$((passed + 1))
	else
		echo "$out"
		echo "not ok $s"
		failed=$((failed + 1))
	fi
done
count() { # of the last line of a suite
	[[ $(echo "$1" | tail -n 1) =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]
	passed=$((passed + ${BASH_REMATCH[1]:-0})) failed=$((failed + ${BASH_REMATCH[2]:-1}))
	echo "$1" | sed '$d'
}
count "$("$build/scenario-tables" $update tests/scenarios/*.yaml)"
count "$(python3 tests/scenarios/staircase/check.py "$build/tapir" $update)"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
