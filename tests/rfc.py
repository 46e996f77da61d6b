#!/usr/bin/env python3
"""make rfc: requirement -> code -> test, from tests/rfc/requirements.tsv.

Each row names where a requirement of an RFC is met (file:function) and what shows it (suite:test in
tests/unit/test_<suite>.c, or scripts/... below tests/). A name that does not exist fails the run: a
renamed function or a deleted test must not leave the table behind. The same holds for the tests that
tests/hardening.md names. The matrix of events and states (rfc_matrix.py) comes last."""
import collections
import os
import re
import sys

import rfc_matrix

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(ROOT, 'tests', 'rfc', 'requirements.tsv')
EXCUSES = ('deviation', 'not done', 'n/a')
texts = {}


def text_of(path):
    if path not in texts:
        try:
            with open(os.path.join(ROOT, path), encoding='utf-8') as f:
                texts[path] = f.read()
        except OSError:
            texts[path] = None
    return texts[path]


def code_fault(ref):
    path, _, function = ref.partition(':')
    text = text_of(path)
    if text is None:
        return f'no such file: {path}'
    # A definition begins at the left margin and its body on a line of its own.
    if not re.search(rf'^\w[^;{{}}]*\b{re.escape(function)}\([^;{{}}]*\)\n\{{', text, re.M):
        return f'{path} has no function {function}'
    return None


def test_fault(ref):
    if ref.startswith('scripts/'):
        return None if os.path.isfile(os.path.join(ROOT, 'tests', ref)) else f'no such script: {ref}'
    suite, _, test = ref.partition(':')
    text = text_of(f'tests/unit/test_{suite}.c')
    if text is None:
        return f'no such suite: {suite}'
    return None if f'TEST({test})' in text else f'suite {suite} has no test {test}'


def read_rows():
    with open(TABLE, encoding='utf-8') as f:
        for number, line in enumerate(f, 1):
            if line.strip() and not line.startswith('#'):
                yield number, line.rstrip('\n').split('\t')


def hardening_faults():
    for number, line in enumerate(text_of('tests/hardening.md').splitlines(), 1):
        for ref in re.findall(r'`((?:\w+:\w+)|(?:scripts/[\w/.-]+))`', line):
            fault = test_fault(ref)
            if fault:
                yield f'tests/hardening.md:{number}: {fault}'


def main():
    faults, seen = list(hardening_faults()), set()
    counts = collections.defaultdict(collections.Counter)
    for number, row in read_rows():
        where = f'tests/rfc/requirements.tsv:{number}'
        if len(row) != 7:
            faults.append(f'{where}: {len(row)} columns, 7 were expected')
            continue
        name, rfc, section, keyword, what, code, shown = row
        if (name, rfc) in seen:
            faults.append(f'{where}: {name} stands twice')
        seen.add((name, rfc))
        status = next((e for e in EXCUSES if shown.startswith(e + ': ')), 'done')
        found = [code_fault(code)] if code else []
        if status == 'done':
            found += [test_fault(t) for t in shown.split()] or ['no test']
            if not code:
                found.append('no code')
        faults += [f'{where}: {name}: {x}' for x in found if x]
        counts[rfc][status] += 1
        print(f'RFC {rfc} {section:<12} {name:<12} {keyword:<10} {what}')
        print(f'    {code or "-":<44} {shown}')
    print(f'\n{"RFC":<6} {"done":>6} {"deviation":>10} {"not done":>9} {"n/a":>5}')
    for rfc, c in counts.items():
        print(f'{rfc:<6} {c["done"]:>6} {c["deviation"]:>10} {c["not done"]:>9} {c["n/a"]:>5}')
    total = sum(counts.values(), collections.Counter())
    print(f'{"all":<6} {total["done"]:>6} {total["deviation"]:>10} {total["not done"]:>9} {total["n/a"]:>5}')
    faults += rfc_matrix.show()
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
