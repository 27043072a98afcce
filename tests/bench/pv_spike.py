#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The spike of the PV design (tests/guest/pv_spike): what a null system call and a page fault cost
with the kernel at CPL 3, at CPL 0, and with exits; in a container and on a bare machine.

usage: pv_spike.py [--build DIR] [--qemu PATH] [--runs N] [--loops N]

Ends with 1 if the chosen variant misses its target. Ratios are against the same machine's own bare
ring crossing; nanoseconds by the TSC rate that hv tells.
"""
import pathlib
import re
import sys
import tempfile

from launch import build_launch
from machine import Machine, NoTpm, argument_parser

# name in the guest: (what it is, its yardstick, the most it may cost)
VARIANTS = {
    "bare": ("bare ring crossing, bare fault", "bare", None),
    "native": ("a kernel's least: swapgs, stack, frame, sti, cli", "bare", None),
    "bare_cr3": ("bare ring crossing with two CR3 writes", "bare", None),
    "a_sysret": ("A: kernel at CPL 3, SYSRET", "bare_cr3", 1.5),
    "a_iretq": ("A: return to the user by IRETQ", "bare_cr3", None),
    "b_sysret": ("B: kernel at CPL 0, iret by SYSCALL, SYSRET", "bare", 4.0),
    "b_iretq": ("B: the same, return by IRETQ", "bare", None),
    "b_page": ("B: iret by the hypercall page, SYSRET", "bare", 4.0),
    "b_page_iretq": ("B: the same, return by IRETQ", "bare", None),
    "b_page_open": ("B: b_page with IF left alone", "bare", None),
    "c_page": ("C: b_page with one exit each way", "bare", None),
}
CHOSEN = ("b_sysret", "b_page")  # system calls return by SYSRET: VGCF_in_syscall


def main():
    args = parse_arguments()
    contained = contained_run(args)
    bare = bare_run(args)
    khz = contained.pop("clock.khz")
    for what in ("syscall", "fault", "kfault"):
        print_table(what, contained, bare, khz)
    print("\nsingle instructions, ns (container / bare machine)")
    for name in (n for n in contained if n.startswith("part.")):
        print(f"  {name[5:]:<24}{ns(contained[name], khz):>10}{ns(bare.get(name), khz):>10}")
    return 0 if all(meets_target(times, n) for times in (contained, bare) for n in CHOSEN) else 1


def parse_arguments():
    parser = argument_parser(__doc__, runs=50)
    parser.add_argument("--loops", type=int, default=4000)
    return parser.parse_args()


def contained_run(args):
    guest = args.build / "lib" / "gantry" / "guests" / "pv_spike.elf"
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as work:
        built = build_launch(args.build, pathlib.Path(work), "spike", {
            "machine": {"memory": "256M", "cpus": 1},
            "measurement": "off",
            "domains": [{"name": "spike", "memory": "32M", "kernel": str(guest.resolve()),
                         "cmdline": options(args)}],
        })
        return times_of(Machine.of_launch(args.qemu, built, 256, NoTpm()))


def bare_run(args):
    guest = args.build / "lib" / "gantry" / "guests" / "pv_spike_bare.elf"
    return times_of(Machine(args.qemu, "-smp", 1, "-m", 128, "-kernel", guest, "-append",
                            options(args), "-device", "isa-debug-exit,iobase=0xf4,iosize=1"))


def options(args):
    return f"loops={args.loops} runs={args.runs}"


def times_of(machine):
    """Ticks of each `time` line, which has hundredths."""
    with machine as m:
        m.wait_for(rb"RESULT \w+")
        said = m.console().decode(errors="replace")
    if "RESULT pass" not in said:
        sys.exit("the guest says:\n" + said[-2000:])
    times = {name: int(value) / 100 for name, value in re.findall(r"time (\S+) (\d+)", said)}
    if "clock.khz" in times:
        times["clock.khz"] *= 100
    return times


def ratio(times, what, name):
    """Against its yardstick, of faults always the bare fault. None if it did not run."""
    yardstick = VARIANTS[name][1] if what == "syscall" else "bare"
    return times[f"{what}.{name}"] / times[f"{what}.{yardstick}"] if f"{what}.{name}" in times else None


def meets_target(times, name):
    return ratio(times, "syscall", name) <= VARIANTS[name][2]


def print_table(what, contained, bare, khz):
    print(f"\n{what}, ns and ratio{'':<29}container         bare machine   against, at most")
    for name, (text, yardstick, limit) in VARIANTS.items():
        cells = [f"{ns(t.get(f'{what}.{name}'), khz):>9} {shown(ratio(t, what, name)):>7}"
                 for t in (contained, bare)]
        if f"{what}.{name}" in contained:
            against = f"{yardstick} {limit or ''}" if what == "syscall" else "bare"
            print(f"  {text:<50}{cells[0]}  {cells[1]}   {against}")


def ns(ticks, khz):
    return "-" if ticks is None else f"{ticks * 1e6 / khz:.0f}"


def shown(value):
    return "-" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
