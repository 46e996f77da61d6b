#!/bin/sh
# Installs what is missing: `setup.sh build` what building needs, `setup.sh tests` what the tests need.
# On Debian and its children by package name; elsewhere it says what is needed and goes on if all the
# programs and headers are there anyway.
build="gcc make pkg-config libpcap-dev libbearssl-dev libyaml-dev libjansson-dev"
tests="libcunit1-dev clang clang-tidy cppcheck tshark tcpdump openssl curl python3 iproute2 ethtool xz-utils procps"

want=""
for group in "$@"; do
	case $group in
	build) want="$want $build" ;;
	tests) want="$want $tests" ;;
	esac
done

if ! command -v dpkg-query > /dev/null; then
	echo "setup: this is not a Debian system; needed are (Debian's names):$want" >&2
	exit 0
fi
missing=""
for p in $want; do
	dpkg-query -W -f='${Status}' "$p" 2> /dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0

echo "setup: installing$missing" >&2
as=""
if [ "$(id -u)" != 0 ]; then
	command -v sudo > /dev/null || { echo "setup: root or sudo is needed for: apt-get install$missing" >&2; exit 2; }
	as=sudo
fi
$as apt-get update -qq > /dev/null || true
DEBIAN_FRONTEND=noninteractive $as apt-get install -y -qq --no-install-recommends $missing > /dev/null ||
	{ echo "setup: could not install$missing" >&2; exit 2; }
