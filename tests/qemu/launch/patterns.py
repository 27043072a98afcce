#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The list of patterns that tests/guest/reclaimed searches for: of each page of each file the 32
bytes that say most, each pattern once.
usage: patterns.py LIST FILE..."""
import sys

PAGE = 4096
BYTES = 32
DIFFERENT = 12  # so many different byte values are no accident

patterns = {}
for name in sys.argv[2:]:
    data = open(name, "rb").read()
    before = len(patterns)
    for page in range(0, len(data), PAGE):
        windows = [data[at:at + BYTES] for at in range(page, page + PAGE, BYTES)]
        best = max(windows, key=lambda w: (len(w) == BYTES, len(set(w))))
        if len(best) == BYTES and len(set(best)) >= DIFFERENT:
            patterns.setdefault(best)
    print(f"{name}: {len(patterns) - before} patterns")
    if len(patterns) == before:
        sys.exit(f"{name}: no pattern")
with open(sys.argv[1], "wb") as out:
    out.write(b"".join(patterns))
