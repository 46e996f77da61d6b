#!/bin/bash
# make bench: builds what is compared, then measures in interleaved rounds (bench.py).
# usage: tests/bench/run.sh [--rounds N] [--quick] [NAME]...   NAME: sim, memory, instructions, tap
#
# ns-3 comes from Debian's libns3-dev. lwIP is built from Debian's source package, since the library
# in liblwip-dev is the one for the Hurd: with threads, a window of 64 kB and no raw door. LWIP_SRC
# names an unpacked source; else apt-get fetches it into build/. What cannot be had is left out, and
# the report says so.
set -e
cd "$(dirname "$0")/../.."
out=build/bench
mkdir -p $out

fetch_lwip()
{
	local dir=$PWD/$out/lwip-source apt
	ls -d $dir/lwip-*/src 2>/dev/null && return
	mkdir -p $dir/lists $dir/parts
	cat > $dir/parts/src.sources <<-EOF
	Types: deb-src
	URIs: $(apt-get indextargets --format '$(REPO_URI)' "Component: main" "Origin: Debian" | head -n 1)
	Suites: $(. /etc/os-release; echo "$VERSION_CODENAME")
	Components: main
	Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	EOF
	apt="apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$dir/parts
		-o Dir::State::lists=$dir/lists -o APT::Sandbox::User=root"
	(cd $dir && $apt update && $apt source lwip) >&2 || return 0
	ls -d $dir/lwip-*/src
}

build_lwip()
{
	local src=$1 files="$1/core/*.c $1/core/ipv4/*.c $1/netif/ethernet.c"
	local cc="gcc -O3 -march=native -flto -w -Itests/bench/lwip -I$src/include"
	$cc tests/bench/lwip/lwip_bulk.c $files -o $out/lwip_bulk 2>/dev/null
	$cc -DLWIP_FAST_SUM -Istack tests/bench/lwip/{lwip_bulk,fast_sum}.c stack/wire/csum.c $files \
		-o $out/lwip_bulk_fast 2>/dev/null
}

newer() # the target is older than one of the sources, or not there
{
	local target=$1 f; shift
	for f; do [ "$target" -nt "$f" ] || return 0; done
	return 1
}

libs=$(sed -n 's/^LIBS *:= *//p' Makefile | head -1 | sed 's/ \$(shell.*//')
gcc -std=c11 -D_DEFAULT_SOURCE -O3 -g -flto=auto -Wall -Wextra -Istack tests/bench/pair.c \
	build/fast/libtapir-all.a $libs -o $out/pair
gcc -O2 -Wall -Wextra tests/bench/kernel_end.c -o $out/kernel_end

if newer $out/ns3_bulk tests/bench/ns3_bulk.cc; then
	g++ -O2 -std=c++17 tests/bench/ns3_bulk.cc -o $out/ns3_bulk -lns3-core -lns3-network -lns3-internet \
		-lns3-point-to-point -lns3-applications -lns3-traffic-control -lns3-stats -lns3-bridge ||
		echo "bench: no ns-3 (apt-get install libns3-dev): left out" >&2
fi
if newer $out/lwip_bulk tests/bench/lwip/* tests/bench/lwip/arch/cc.h stack/wire/csum.c; then
	src=${LWIP_SRC:-$(fetch_lwip)}
	[ -d "$src" ] && build_lwip "$src" || echo "bench: no source of lwIP: left out" >&2
fi
exec python3 tests/bench/bench.py "$@"
