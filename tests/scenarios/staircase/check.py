#!/usr/bin/env python3
"""The windows of Reno and CUBIC after one loss, against their formulas in closed form and against what is stored.

usage: check.py TAPIR [--update]"""
import csv
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MSS, RTT = 1448, 0.1
C, BETA = 0.4, 0.7


def reno(t, top, bottom):
    """RFC 5681 3.1: one segment for each round trip."""
    return bottom + t / RTT


def cubic(t, top, bottom):
    """RFC 9438 4.2 and 4.3: the cubic, or what Reno would have; alpha as in cc_cubic.c."""
    k = ((top - bottom) / C) ** (1 / 3)
    return max(C * (t - k) ** 3 + top, bottom + 3 * (1 - BETA) / (1 + BETA) * t / RTT)


def series(tapir, cc):
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([tapir, "run", os.path.join(HERE, "scenario.yaml"), "--quiet", "--out", out,
                        "--set", f"hosts.client.tcp.cc={cc}"], check=True, stderr=subprocess.DEVNULL)
        with open(os.path.join(out, "series", "flow-1-client.csv")) as f:
            return [(float(r["t_s"]), r["ca"], int(r["cwnd"]) // MSS, int(r["ssthresh"])) for r in csv.DictReader(f)]


def table(tapir, cc, formula):
    """Lines of the table, and the largest distance from the formula beyond a segment, in parts of it."""
    rows = series(tapir, cc)
    recovery = next(i for i, r in enumerate(rows) if r[1] == "recovery")
    start = next(i for i, r in enumerate(rows) if i > recovery and r[1] == "open")
    t0, _, bottom, ssthresh = rows[start]
    top = ssthresh / MSS / BETA  # RFC 9438 4.6; slow start grows by hundreds between two samples
    lines = [f"# {cc}: {bottom} segments after the loss; second, window, formula"]
    worst, due = 0.0, 0
    for t, _, cwnd, _ in rows[start:]:
        if t - t0 < due or due > 25:
            continue
        want = formula(t - t0, top, bottom)
        lines.append(f"{due:2d} {cwnd:5d} {want:8.1f}")
        worst = max(worst, (abs(cwnd - want) - 1.5) / want)
        due += 1
    return "\n".join(lines) + "\n", worst, due


def main():
    tapir, update = sys.argv[1], "--update" in sys.argv
    passed = failed = 0
    for cc, formula in (("reno", reno), ("cubic", cubic)):
        text, worst, seconds = table(tapir, cc, formula)
        path = os.path.join(HERE, cc + ".table")
        if update:
            with open(path, "w") as f:
                f.write(text)
        with open(path) as f:
            stored = f.read() == text
        near = worst < 0.01 and seconds == 26
        for ok, what in ((near, f"within 1 % and a segment and a half of the formula over {seconds} s"), (stored, "as stored")):
            print(f"{'ok' if ok else 'not ok'} staircase of {cc}: {what}")
            passed, failed = passed + ok, failed + (not ok)
        if not (near and stored):
            print(text, end="")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
