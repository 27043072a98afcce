#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's stock kernel as a PV domain, as a PVH domain and bare, side by side on the same QEMU: what
its programs pay (tests/linux/bench.cpp), and how long it takes to /init.

usage: pv_bench.py [--build DIR] [--qemu PATH] [--runs N] [--json FILE]

Needs a release build with the target linux_bench, and what ./quickstart leaves in build/cache. Ends
with 1 if a target of the PV domains is missed. Prints medians of the runs, the lowest and the highest
run, and ratios of medians and of lowest runs: on a busy machine the second say more.
"""
import json
import pathlib
import re
import sys
import tempfile

from figures import figures_of, meets, per, print_table, said_by
from launch import build_launch, run_tool
from machine import ROOT, Machine, NoTpm, argument_parser

KINDS = ("pv", "pvh", "bare")
CMDLINE = "panic=-1 loglevel=7"
STARTED = re.compile(rb"event=domain-started domid=1\b")
USER_SPACE = re.compile(rb"bench: in user space")

# name: (what it is, unit, how ns become that)
FIGURES = {
    "syscall": ("null system call (getppid)", "ns", per(1)),
    "fault": ("page fault, anonymous memory, first touch", "us", per(1e3)),
    "fork_exec": ("fork, exec, exit, wait", "ms", per(1e6)),
    "switch": ("context switch (pipe between two processes)", "us", per(1e3)),
    "hypercall": ("null hypercall (xen_version, from the kernel)", "us", per(1e3)),
    "event": ("event channel, there and back, both ends read", "us", per(1e3)),
    "boot": ("domain's start to /init; bare: QEMU's start", "s", per(1e9)),
    "cpu": ("the same, CPU time of QEMU", "s", per(1e9)),
    "kernel": ("the kernel's own clock at /init", "s", per(1e9)),
    "p2m": ("of that: the list of all frames there could be", "s", per(1e9)),
    "wx": ("of that: the check for W+X mappings", "s", per(1e9)),
}
# Lines of the kernel whose time, less that of the line before, is a figure.
TIME = rb"\[ *([0-9.]+)\]"
STEPS = {
    "p2m": re.compile(TIME + rb" p2m virtual area[^\n]*\n" + TIME),
    "wx": re.compile(TIME + rb"[^\n]*\n" + TIME + rb" x86/mm: Checked W\+X"),
}
# what, of which kind, against which kind, at most
TARGETS = (("syscall", "pv", "bare", 4.0), ("boot", "pv", "pvh", 1.0))


def main():
    args = parse_arguments()
    samples = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as work:
        bench = Bench(args, pathlib.Path(work))
        for _ in range(args.runs):  # in turn, so that a busy moment meets all of them
            for kind in KINDS:
                samples[kind].append(bench.run(kind))
    print_table(samples, FIGURES, (("pv", "pvh"), ("pv", "bare"), ("pvh", "bare")))
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(samples, indent=2) + "\n")
    return 0 if all([meets(samples, FIGURES, *target) for target in TARGETS]) else 1


def parse_arguments():
    parser = argument_parser(__doc__)
    parser.add_argument("--json")
    return parser.parse_args()


class Bench:
    def __init__(self, args, work):
        self.args = args
        self.work = work
        cache = args.build / "cache"
        self.initrd = work / "bench.cpio"
        program = args.build / "tests" / "linux" / "bench"
        modules = [cache / "modules" / f"xen-{name}.ko" for name in ("evtchn", "privcmd")]
        run_tool(ROOT / "images" / "recipe" / "make-initrd", program, self.initrd, *modules)
        self.launches = {kind: self.build(kind, cache / "vmlinuz") for kind in ("pv", "pvh")}

    def build(self, kind, kernel):
        return build_launch(self.args.build, self.work, kind, {
            "machine": {"memory": "1G", "cpus": 2},
            "measurement": "off",
            "domains": [{"name": "linux", "type": kind, "memory": "256M",
                         "kernel": str(kernel.resolve()), "initrd": str(self.initrd),
                         "cmdline": f"console=hvc0 {CMDLINE}"}],
        })

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
            cpu = m.cpu_seconds()
            user_space = m.wait_for(USER_SPACE)
            cpu = m.cpu_seconds() - cpu
            m.wait_for(rb"bench: (end|FAILED.*\n)")
            said = m.output if kind == "bare" else said_by(m.output, b"01")
        figures = figures_of(kind, said)
        if "ioctl_hypercall" in figures:
            figures["hypercall"] = figures["ioctl_hypercall"] - figures["ioctl"]
        figures["boot"] = round((user_space - started) * 1e9)
        figures["cpu"] = round(cpu * 1e9)
        figures["kernel"] = round(float(re.search(TIME + rb" Run /init", said)[1]) * 1e9)
        for name, step in STEPS.items():
            if found := step.search(said):
                figures[name] = round((float(found[2]) - float(found[1])) * 1e9)
        print(f"  {kind}: {figures}", file=sys.stderr, flush=True)
        return figures


if __name__ == "__main__":
    sys.exit(main())
