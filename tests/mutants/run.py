#!/usr/bin/env python3
"""Seeds one bug after another into a copy of the sources and asks the tests which they notice.

usage: run.py [word ...]     only the mutants whose names hold one of the words

The copy is build/mutants; the work is one object, one archive and one link for each mutant. A mutant
is caught when a suite or a script fails, an assertion or an invariant stops it, or it does not end.
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutants"
TABLE = ROOT / "tests" / "mutants" / "mutants.txt"
# Quick and general ones first; a mutant that one stage catches does not see the next.
STAGES = [
    ["build/mutant/unit-tests", "tcp_transfer", "hostile_peer"],
    ["build/mutant/unit-tests", "hostile_states", "hostile_blind"],
    ["build/mutant/unit-tests", "hostile_floods", "hostile_memory", "tcp_rcvq", "tcp_board", "tcp_sndq", "tcp_rtt",
     "seqset"],
    ["build/mutant/tapir", "script", "tests/scripts"],
    ["build/mutant/unit-tests", "cc_bbr", "cc_bbr_model", "tcp_bbr", "tcp_rate", "tcp_loss"],
    ["build/mutant/unit-tests", "tcp_loss", "tcp_timer", "tcp_input", "tcp_icmp", "tcp_open"],
    ["build/mutant/unit-tests", "hostile_random", "hostile_headers"],
]
ENV = dict(os.environ, HOSTILE_SEEDS="300")


def mutants():
    name = file = None
    old, new, now = [], [], None
    for line in TABLE.read_text().splitlines() + [""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if name:
                yield name, file, "\n".join(old), "\n".join(new)
            name, old, new = None, [], []
        elif name is None:
            name, file = (part.strip() for part in line.split("|"))
        elif line.startswith("- "):
            old, now = [line[2:]], old
            now = old
        elif line.startswith("+ "):
            new.append(line[2:])
            now = new
        else:
            now.append(line)


def make():
    targets = ["build/mutant/unit-tests", "build/mutant/tapir"]
    flags = ["VARIANT=mutant", "OPT=-O1 -g", "WARN=-w"]
    return subprocess.run(["make", "-s", "-j2", *flags, *targets], cwd=COPY, capture_output=True, text=True)


def caught_by():
    """The stage that notices, or None."""
    for stage in STAGES:
        try:
            if subprocess.run(stage, cwd=COPY, env=ENV, capture_output=True, timeout=60).returncode:
                return " ".join(stage[1:3])
        except subprocess.TimeoutExpired:
            return "does not end"
    return None


def copy_sources():
    """Only what differs is written, so that make rebuilds that and no more."""
    wanted = set()
    for part in ("stack", "tls", "traces", "sim", "tests", "Makefile"):
        src = ROOT / part
        for path in [src] if src.is_file() else src.rglob("*"):
            if not path.is_file():
                continue
            to = COPY / path.relative_to(ROOT)
            wanted.add(to)
            if not to.exists() or to.read_bytes() != path.read_bytes():
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(path.read_bytes())
                to.chmod(path.stat().st_mode)
    for path in COPY.rglob("*.[ch]"):
        if path not in wanted and COPY / "build" not in path.parents:
            path.unlink()


def main():
    copy_sources()
    built = make()
    if built.returncode:
        sys.exit(built.stderr)
    whom = caught_by()
    if whom:
        sys.exit(f"the sources as they are fail in: {whom}")
    total = caught = 0
    survivors = []
    for name, file, old, new in mutants():
        if len(sys.argv) > 1 and not any(word in name for word in sys.argv[1:]):
            continue
        path = COPY / file
        text = path.read_text()
        if old not in text:
            sys.exit(f"mutants.txt: '{name}': the line is no longer in {file}")
        path.write_text(text.replace(old, new, 1))
        built = make()
        whom = "the compiler" if built.returncode else caught_by()
        path.write_text(text)
        if whom == "the compiler":
            sys.exit(f"mutants.txt: '{name}' does not compile:\n{built.stderr}")
        total += 1
        caught += whom is not None
        if whom is None:
            survivors.append(name)
        print(f"{'caught  ' if whom else 'SURVIVED'}  {name}" + (f"  ({whom})" if whom else ""), flush=True)
    print(f"{caught} of {total} mutants caught, {100 * caught // max(total, 1)} per cent")
    for name in survivors:
        print(f"  survived: {name}")


if __name__ == "__main__":
    main()
