#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's stock kernel as a PV domain, as a PVH domain and bare, side by side on the same QEMU: what
its programs pay (tests/linux/bench.cpp), and how long it takes to /init.

usage: pv_bench.py [--build DIR] [--qemu PATH] [--runs N] [--json FILE]

Needs a release build with the target linux_bench, and what ./quickstart leaves in build/cache. Ends
with 1 if a target of the PV domains is missed. Prints medians of the runs, the lowest and the highest
run, and ratios of medians and of lowest runs: on a busy machine the second say more.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

from machine import Machine

KINDS = ("pv", "pvh", "bare")
CMDLINE = "panic=-1 loglevel=7"
STARTED = re.compile(rb"event=domain-started domid=1\b")
USER_SPACE = re.compile(rb"bench: in user space")

# name: (what it is, unit, divisor of ns)
FIGURES = {
    "syscall": ("null system call (getppid)", "ns", 1),
    "fault": ("page fault, anonymous memory, first touch", "us", 1e3),
    "fork_exec": ("fork, exec, exit, wait", "ms", 1e6),
    "switch": ("context switch (pipe between two processes)", "us", 1e3),
    "hypercall": ("null hypercall (xen_version, from the kernel)", "us", 1e3),
    "event": ("event channel, there and back, both ends read", "us", 1e3),
    "boot": ("domain's start to /init; bare: QEMU's start", "s", 1e9),
    "kernel": ("the kernel's own clock at /init", "s", 1e9),
}
# what, of which kind, against which kind, at most
TARGETS = (("syscall", "pv", "bare", 4.0), ("boot", "pv", "pvh", 1.0))


class NoTpm:
    def arguments(self):
        return []


def main():
    args = parse_arguments()
    samples = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as work:
        bench = Bench(args, pathlib.Path(work))
        for _ in range(args.runs):  # in turn, so that a busy moment meets all of them
            for kind in KINDS:
                samples[kind].append(bench.run(kind))
    print_table(samples)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(samples, indent=2) + "\n")
    return 0 if all([meets(samples, *target) for target in TARGETS]) else 1


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--build", type=pathlib.Path, default=root / "build")
    parser.add_argument("--qemu", default="qemu-system-x86_64")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json")
    return parser.parse_args()


class Bench:
    def __init__(self, args, work):
        self.args = args
        self.work = work
        root = pathlib.Path(__file__).resolve().parents[2]
        cache = args.build / "cache"
        self.initrd = work / "bench.cpio"
        program = args.build / "tests" / "linux" / "bench"
        modules = [cache / "modules" / f"xen-{name}.ko" for name in ("evtchn", "privcmd")]
        run_tool(root / "images" / "recipe" / "make-initrd", program, self.initrd, *modules)
        self.launches = {kind: self.build(kind, cache / "vmlinuz") for kind in ("pv", "pvh")}

    def build(self, kind, kernel):
        manifest = self.work / f"{kind}.json"
        manifest.write_text(json.dumps({
            "machine": {"memory": "1G", "cpus": 2},
            "measurement": "off",
            "domains": [{"name": "linux", "type": kind, "memory": "256M",
                         "kernel": str(kernel.resolve()), "initrd": str(self.initrd),
                         "cmdline": f"console=hvc0 {CMDLINE}"}],
        }))
        out = self.work / kind
        run_tool(self.args.build / "bin" / "gantry", "build", manifest, "-o", out)
        return out

    def machine(self, kind):
        if kind != "bare":
            return Machine.of_launch(self.args.qemu, self.launches[kind], 1024, NoTpm())
        kernel = next((self.launches["pvh"] / "modules").glob("*vmlinux*"))
        return Machine(self.args.qemu, "-smp", 1, "-m", 256, "-kernel", kernel, "-initrd",
                       self.initrd, "-append", f"console=ttyS0 {CMDLINE}")

    def run(self, kind):
        """Figures in ns."""
        with self.machine(kind) as m:
            started = 0 if kind == "bare" else m.wait_for(STARTED)
            user_space = m.wait_for(USER_SPACE)
            m.wait_for(rb"bench: (end|FAILED.*\n)")
            said = m.output if kind == "bare" else said_by(m.output, b"01")
        if b"bench: FAILED" in said:
            sys.exit(f"{kind}: " + said[said.index(b"bench: FAILED"):].decode(errors="replace"))
        figures = {name.decode(): int(ns)
                   for name, ns in re.findall(rb"bench: (\w+) (\d+)\r?\n", said)}
        if "ioctl_hypercall" in figures:
            figures["hypercall"] = figures["ioctl_hypercall"] - figures["ioctl"]
        figures["boot"] = round((user_space - started) * 1e9)
        figures["kernel"] = round(float(re.search(rb"\[ *([0-9.]+)\] Run /init", said)[1]) * 1e9)
        print(f"  {kind}: {figures}", file=sys.stderr, flush=True)
        return figures


def said_by(output, source):
    """The bytes of one domain's frames (hv/abi/uart_frame.hpp), whatever came between them."""
    frames = re.finditer(rb"\x1e([0-9a-f]{2})([0-9a-f]{4})", output)
    return b"".join(output[f.end():f.end() + int(f[2], 16)] for f in frames if f[1] == source)


def run_tool(*command):
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)


def values(samples, kind, name):
    return [run[name] for run in samples[kind] if name in run]


def print_table(samples):
    print(f"{'median (lowest to highest)':<56}{'PV':>22}{'PVH':>22}{'bare':>22}"
          f"{'PV/PVH':>14}{'PV/bare':>14}{'PVH/bare':>14}")
    for name, (text, unit, divisor) in FIGURES.items():
        cells = [cell(values(samples, kind, name), divisor) for kind in KINDS]
        ratios = [ratio_cell(samples, name, *pair) for pair in (("pv", "pvh"), ("pv", "bare"),
                                                                ("pvh", "bare"))]
        print(f"{text + ', ' + unit:<56}" + "".join(f"{c:>22}" for c in cells)
              + "".join(f"{r:>14}" for r in ratios))


def cell(seen, divisor):
    if not seen:
        return "-"
    digits = 0 if divisor == 1 else 2
    return (f"{statistics.median(seen) / divisor:.{digits}f} "
            f"({min(seen) / divisor:.{digits}f}-{max(seen) / divisor:.{digits}f})")


def ratio(samples, name, of, against, statistic=statistics.median):
    one, other = values(samples, of, name), values(samples, against, name)
    return statistic(one) / statistic(other) if one and other else None


def ratio_cell(samples, name, of, against):
    found = ratio(samples, name, of, against)
    return "-" if found is None else f"{found:.2f} ({ratio(samples, name, of, against, min):.2f})"


def meets(samples, name, of, against, limit):
    found = ratio(samples, name, of, against)
    verdict = "ok" if found <= limit else "MISSED"
    print(f"{FIGURES[name][0]}: {of} / {against} = {found:.2f} (at most {limit:.2f}: {verdict})")
    return found <= limit


if __name__ == "__main__":
    sys.exit(main())
