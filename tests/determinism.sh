#!/bin/bash
# The same seed gives the same bytes: each scenario is run twice by one build and once by three others
# (gcc and clang, -O0 and -O2), and every file of every run is compared with the first.
cd "$(dirname "$0")/.." || exit 2
scenarios=${SCENARIOS:-"lossy-tls loss-1 reorder"}
out=build/determinism
rm -rf $out
mkdir -p $out
passed=0 failed=0

build() { # name, compiler, optimisation
	make --no-print-directory -j"$(nproc)" VARIANT="det-$1" CC="$2" OPT="$3" "build/det-$1/tapir" > "$out/$1.build.log" 2>&1 ||
		{ tail -n 20 "$out/$1.build.log"; echo "not ok build $1"; failed=$((failed + 1)); }
}
compare() { # scenario, run
	if diff -rq "$out/$1/first" "$out/$1/$2" > "$out/$1.$2.diff" && [ -s "$out/$1/first/summary.json" ]; then
		echo "ok $1: $2 equals the first run"
		passed=$((passed + 1))
	else
		head -n 5 "$out/$1.$2.diff"
		echo "not ok $1: $2 differs from the first run"
		failed=$((failed + 1))
	fi
}
run() { # scenario, build, run
	"build/det-$2/tapir" run "sim/scenarios/$1.yaml" --out "$out/$1/$3" > "$out/$1.$3.log" 2>&1
	# The report names the folder that it was written to, and nothing else may differ.
	sed -i "s#$out/$1/$3#OUT#g" "$out/$1/$3"/*.txt 2> /dev/null
}

build gcc-O2 gcc -O2
build gcc-O0 gcc -O0
build clang-O2 clang -O2
build clang-O0 clang -O0
for s in $scenarios; do
	run "$s" gcc-O2 first
	for other in gcc-O2:again gcc-O0:gcc-O0 clang-O2:clang-O2 clang-O0:clang-O0; do
		run "$s" "${other%%:*}" "${other##*:}"
		compare "$s" "${other##*:}"
	done
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
