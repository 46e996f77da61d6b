#!/bin/bash
# Every source through both compilers' warnings as errors, cppcheck, and clang-tidy's bug finders.
cd "$(dirname "$0")/.." || exit 2
flags="-std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
-Wcast-qual -Wundef -Wwrite-strings -Wvla -Werror -Istack -Ibuild/debug"
flags="$flags $(pkg-config --cflags libpcap yaml-0.1 jansson 2> /dev/null)"
mkdir -p build/debug
make --no-print-directory build/debug/suites.h > /dev/null
passed=0 failed=0
result() { # name, exit code
	if [ "$2" = 0 ]; then passed=$((passed + 1)); echo "ok $1"; else failed=$((failed + 1)); echo "not ok $1"; fi
}
each() { printf '%s\0' "${@:2}" | xargs -0 -n 8 -P "$(nproc)" $1; }

each "gcc $flags -fsyntax-only" "$@"; result gcc $?
each "clang $flags -fsyntax-only" "$@"; result clang $?
core=$(printf '%s\n' "$@" | grep -v '^tests/')
cppcheck -q -j "$(nproc)" --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	--suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --suppress=funcArgOrderDifferent --suppress=legacyUninitvar --suppress=autoVariables --suppress=internalAstError --suppress=readdirCalled --suppress=bufferAccessOutOfBounds:sim/scenario_event.c --library=posix -D__x86_64__ -Istack $core
result cppcheck $?
printf '%s\n' $core | xargs -n 4 -P "$(nproc)" sh -c 'clang-tidy --quiet --warnings-as-errors="*" \
	--checks="-*,bugprone-infinite-loop,bugprone-suspicious-memset-usage,bugprone-macro-repeated-side-effects,bugprone-suspicious-string-compare,bugprone-undefined-memory-manipulation,misc-misplaced-const" \
	"$@" -- '"$(echo $flags | sed 's/-Werror//')"' 2> /dev/null' sh
result clang-tidy $?
echo "$passed passed, $failed failed"
[ $failed = 0 ]
