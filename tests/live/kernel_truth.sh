#!/bin/sh
# The analyser against runs between two Linux kernels that say themselves why they resent:
# kernel_truth.sh TAPIR. Unpacks them from $TAPIR_SHARED (or ../shared)/linux-runs to build/runs.
set -eu
tapir=$1
here=$(dirname "$0")
runs=${TAPIR_SHARED:-../shared}/linux-runs
if [ ! -d "$runs" ]; then
	echo "SKIPPED: the analyser against the kernel: no $runs" >&2
	exit 0
fi
mkdir -p build/runs
for f in "$runs"/*.tar.xz; do
	d=build/runs/$(basename "$f" .tar.xz)
	[ -d "$d" ] || tar xJf "$f" -C build/runs
done
exec python3 "$here/kernel_truth.py" "$tapir" build/runs/*/
