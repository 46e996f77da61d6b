#!/bin/sh
# libtapir.a as an embedder meets it: tests/embed.c sees the public headers and links with nothing
# else; with TLS and the raw socket it needs BearSSL and libpcap; no internal name is global.
# usage: tests/embed.sh BUILD, after `make libtapir.a`
cd "$(dirname "$0")/.." || exit 2
lib=$1/libtapir.a out=$1/embed
fail() { echo "embed: $1"; exit 1; }

${CC:-cc} -std=c11 -Wall -Wextra -Werror -Istack tests/embed.c "$lib" -o "$out" || fail "does not link with $lib alone"
"$out" || fail "the bytes did not arrive"
if nm "$out" | grep -qE ' (pcap|br)_'; then fail "asks for libpcap or BearSSL without need"; fi

printf '#include "stack.h"\n#include "../tls/tls.h"\nint main(void) { char e[99]; return tls_anchors_load("/", e, 99) || link_packet(0, "", 0, e, 99); }\n' > "$out-all.c"
${CC:-cc} -std=c11 -Wall -Wextra -Werror -Istack -I. "$out-all.c" -include link.h "$lib" -lbearssl -lpcap -o "$out-all" ||
	fail "TLS and the raw socket do not link with BearSSL and libpcap"

strays=$(nm -g --defined-only "$lib" | awk 'NF == 3 { print $3 }' |
	grep -vE '^((stack|sock|tls|link|pkt|chunk)_|tcp_config_|tcp_setting|tcp_state_name$|err_text$)')
[ -z "$strays" ] || fail "internal names are global: $strays"
echo "embed: ok"
