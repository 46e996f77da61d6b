#!/bin/bash
# Runs every part of `make check` and adds up their counts. A part ends with `N passed, N failed`
# (and perhaps `, N skipped`), or counts as one test by its exit code. The last line is the sum.
cd "$(dirname "$0")/.." || exit 2
mkdir -p build/check
passed=0 failed=0 skipped=0 failures="" start=$SECONDS

part() { # name, command...
	local name=$1 log=build/check/$1.log t=$SECONDS
	shift
	"$@" > "$log" 2>&1
	local rc=$? line
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]; then
		local p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[4]:-0}
		[ $rc != 0 ] && [ "$f" = 0 ] && f=1
	else
		local p=$((rc == 0)) f=$((rc != 0)) s=0
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-16s %5d passed %3d failed %3d skipped  %4d s\n' "$name" "$p" "$f" "$s" $((SECONDS - t))
	grep -E '^SKIPPED' "$log"
	[ "$f" = 0 ] || { failures="$failures $name"; echo "---- $log"; grep -vE '^ok |^PASS |^  (CC|LD) ' "$log" | tail -n 40; echo "----"; }
}

jobs=$(nproc)
part build make --no-print-directory -j"$jobs" build/debug/tapir build/debug/unit-tests
part release make --no-print-directory -j"$jobs" VARIANT=release all
part unit make --no-print-directory unit
part purity make --no-print-directory purity
part rfc make --no-print-directory rfc
part deps make --no-print-directory deps
part cli make --no-print-directory check-cli
part embed make --no-print-directory embed
part scripts make --no-print-directory check-scripts
part scenarios make --no-print-directory check-scenarios
part live make --no-print-directory check-live
part determinism make --no-print-directory determinism
part lint make --no-print-directory lint

if [ $skipped != 0 ]; then
	echo "SKIPPED: $skipped tests could not run here (see above)"
	if [ -n "$CI" ] && [ "$(id -u)" = 0 ] && [ -c /dev/net/tun ]; then
		echo "CI: this machine has what they need, so that is a failure"
		failed=$((failed + skipped))
	fi
fi
[ -z "$failures" ] || echo "failed parts:$failures (logs in build/check/)"
echo "$((SECONDS - start)) s"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
