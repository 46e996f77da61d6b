#!/bin/bash
# Each fuzz target (or those named) for FUZZ_SECONDS; a line each. A find is kept in tests/data/fuzz/<target>/, from
# where the suite fuzz_finds replays it, and makes the exit code 1. What was learnt stays in build/fuzz/corpus.
cd "$(dirname "$0")/../.." || exit 2
fuzz=build/fuzz/fuzz seconds=${FUZZ_SECONDS:-60} passed=0 failed=0
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1
rm -rf build/fuzz/seeds
table=$("$fuzz" --seeds=build/fuzz/seeds) || exit 2
while read -r target max_len; do
	[ $# = 0 ] || [[ " $* " == *" $target "* ]] || continue
	finds=tests/data/fuzz/$target log=build/fuzz/$target.log corpus=build/fuzz/corpus/$target
	mkdir -p "$finds" "$corpus"
	# A second is the limit that we set ourselves; five are allowed, for a machine that has other work too.
	"$fuzz" --target="$target" -max_total_time="$seconds" -max_len="$max_len" -timeout=5 -report_slow_units=1 \
		-malloc_limit_mb=64 -rss_limit_mb=2048 -entropic=0 -len_control=10 -print_final_stats=1 -artifact_prefix="$finds/" \
		"$corpus" "build/fuzz/seeds/$target" "$finds" > "$log" 2>&1
	rc=$?
	rmdir --ignore-fail-on-non-empty "$finds"
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	cover=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)
	slow=$(grep -c '^Slowest unit' "$log")
	if [ $rc = 0 ]; then
		passed=$((passed + 1)) result=ok
	else
		failed=$((failed + 1)) result="FOUND $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1) (see $log)"
	fi
	printf '%-9s %4d s %9s runs  %-11s %s%s\n' "$target" "$seconds" "${runs:-?}" "$cover" "$result" \
		"$([ "$slow" = 0 ] || echo ", slow inputs: $slow")"
done <<< "$table"
rmdir --ignore-fail-on-non-empty tests/data/fuzz 2> /dev/null
echo "$passed passed, $failed failed"
[ $failed = 0 ]
