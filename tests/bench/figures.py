# SPDX-License-Identifier: Apache-2.0
"""Figures that programs of a guest print (tests/linux/figures.hpp), in ns, and tables of them: medians of
the runs, the lowest and the highest run, and ratios of medians and of lowest runs."""
import re
import statistics
import sys


def per(ns):
    """A time, in units of so many ns."""
    return lambda figure: figure / ns


def rate(amount):
    """So much, each time, as a rate per second."""
    return lambda figure: amount * 1e9 / figure


def figures_of(kind, said):
    """{name: ns} of what a guest has said; ends the benchmark if a step failed there."""
    if b"bench: FAILED" in said:
        sys.exit(f"{kind}: " + said.decode(errors="replace"))
    return {name.decode(): int(ns) for name, ns in re.findall(rb"bench: (\w+) (\d+)\r?\n", said)}


def said_by(output, source):
    """The bytes of one domain's frames (hv/abi/uart_frame.hpp), whatever came between them."""
    frames = re.finditer(rb"\x1e([0-9a-f]{2})[0-9a-f]([0-9a-f]{4})", output)
    return b"".join(output[f.end():f.end() + int(f[2], 16)] for f in frames if f[1] == source)


def print_table(samples, rows, pairs):
    """rows: {name: (what it is, unit, how ns become that)}; pairs: which kind against which. Ratios are
    of times, whatever is shown: more than 1 is slower."""
    print(f"{'median (lowest to highest)':<56}" + "".join(f"{kind:>24}" for kind in samples)
          + "".join(f"{of + '/' + against:>18}" for of, against in pairs))
    for name, (text, unit, convert) in rows.items():
        cells = [cell([convert(v) for v in values(samples, kind, name)]) for kind in samples]
        ratios = [ratio_cell(samples, name, *pair) for pair in pairs]
        print(f"{text + ', ' + unit:<56}" + "".join(f"{c:>24}" for c in cells)
              + "".join(f"{r:>18}" for r in ratios))


def values(samples, kind, name):
    return [run[name] for run in samples[kind] if name in run]


def cell(seen):
    if not seen:
        return "-"
    median, low, high = statistics.median(seen), min(seen), max(seen)
    digits = 0 if median >= 100 else 2
    return f"{median:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def ratio(samples, name, of, against, statistic=statistics.median):
    one, other = values(samples, of, name), values(samples, against, name)
    return statistic(one) / statistic(other) if one and other else None


def ratio_cell(samples, name, of, against):
    found = ratio(samples, name, of, against)
    return "-" if found is None else f"{found:.2f} ({ratio(samples, name, of, against, min):.2f})"


def meets(samples, rows, name, of, against, limit):
    found = ratio(samples, name, of, against)
    verdict = "ok" if found <= limit else "MISSED"
    print(f"{rows[name][0]}: {of} / {against} = {found:.2f} (at most {limit:.2f}: {verdict})")
    return found <= limit
