#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of a launch: ratios within one run, never seconds alone (tests/bench/README.md).

usage: bench.py [--build DIR] [--qemu PATH] [--runs N] [--json FILE]

Needs a release build, and what ./quickstart leaves in build/cache.
"""
import json
import pathlib
import re
import statistics
import struct
import sys
import tempfile

from launch import build_launch
from machine import Machine, SoftwareTpm, argument_parser, run_in_pairs

USER_SPACE = re.compile(rb"reached user space")
KERNEL_TIME = re.compile(rb"\[ *([0-9.]+)\] Run /init")


def main():
    args = parse_arguments()
    bench = Bench(args)
    results = []
    for measure in (bench.launch, bench.kernel_time, bench.four_domains):
        results += measure()
        print_rows(results[-1:])
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(results, indent=2) + "\n")
    return 0 if all(r["ratio"] <= r["limit"] for r in results) else 1


def parse_arguments():
    parser = argument_parser(__doc__)
    parser.add_argument("--json")
    return parser.parse_args()


def print_rows(rows):
    for r in rows:
        verdict = "ok" if r["ratio"] <= r["limit"] else "MISSED"
        print(f"{r['name']:<58} {r['seconds']:6.2f} s / {r['baseline']:6.2f} s = "
              f"{r['ratio']:.2f}  (at most {r['limit']:.2f}: {verdict})", flush=True)


class Bench:
    def __init__(self, args):
        self.args = args
        self.cache = args.build / "cache"
        self.scratch = tempfile.TemporaryDirectory(prefix="gantry-bench-")
        self.work = pathlib.Path(self.scratch.name)

    def launch(self):
        """(a) QEMU start to the last domain's first instruction, against bare hash and copy rates."""
        built = self.build("launch", domains=2)
        hashed, copied = work_of(built, domains=2)
        runs = self.in_turn(self.bare_rates, lambda: self.boot(built, b"event=domain-started", count=3))
        hash_rate, copy_rate = (statistics.median(rates) for rates in zip(*runs[0]))
        seconds = statistics.median(runs[1])
        allowed = 0.5 + 1.15 * (hashed / hash_rate + copied / copy_rate)
        print(f"  hashed {hashed >> 20} MiB at {hash_rate / 1e6:.0f} MB/s, "
              f"copied {copied >> 20} MiB at {copy_rate / 1e6:.0f} MB/s")
        return [row("launch to last domain's start, vs. what its bytes allow", seconds, allowed, 1.0)]

    def kernel_time(self):
        """(b) The kernel's own time to /init, and the whole way to user space beside it."""
        built = self.build("one", domains=1)
        runs, direct = self.in_turn(lambda: self.kernel_run(built), self.direct_run)
        ours, whole = zip(*runs)
        print(f"  QEMU start to user space, everything measured: {statistics.median(whole):.2f} s")
        return [row("kernel's own time to /init, vs. direct boot", statistics.median(ours),
                    statistics.median(direct), 1.25)]

    def four_domains(self):
        """Four domains on 2 CPUs against four direct boots, two at a time."""
        built = self.build("four", domains=4)
        ours, direct = self.in_turn(
            lambda: self.boot(built, USER_SPACE, count=4, memory=2048),
            lambda: run_in_pairs(4, self.direct_machine, USER_SPACE))
        return [row("four domains' user space, vs. four direct boots", statistics.median(ours),
                    statistics.median(direct), 1.4)]

    # ---- parts ----

    def build(self, name, domains):
        return build_launch(self.args.build, self.work, name, {
            "machine": {"memory": "2G", "cpus": 2},
            "measurement": "required",
            "domains": [
                {
                    "name": f"linux{n}",
                    "memory": "256M",
                    "kernel": str(self.cache / "vmlinuz"),
                    "initrd": str(self.cache / "worker.cpio"),
                    "cmdline": "console=hvc0 panic=-1",
                }
                for n in range(domains)
            ],
        })

    def boot(self, built, pattern, count, memory=1024):
        """Seconds from QEMU's start to the count-th match in what the machine says."""
        with SoftwareTpm(self.work) as tpm, Machine.of_launch(self.args.qemu, built, memory, tpm) as m:
            return m.wait_for(pattern, count)

    def kernel_run(self, built):
        with SoftwareTpm(self.work) as tpm, Machine.of_launch(self.args.qemu, built, 1024, tpm) as m:
            whole = m.wait_for(USER_SPACE)
            return float(KERNEL_TIME.search(m.console())[1]), whole

    def direct_machine(self):
        return Machine.direct(self.args.qemu, self.vmlinux(), self.cache / "worker.cpio")

    def direct_run(self):
        with self.direct_machine() as m:
            m.wait_for(USER_SPACE)
            return float(KERNEL_TIME.search(m.console())[1])

    def vmlinux(self):
        """The uncompressed kernel, as `gantry build` unpacked it."""
        return next((self.work / "launch" / "modules").glob("*vmlinux*"))

    def bare_rates(self):
        """Bytes a second that the bare machine hashes, and copies."""
        guest = self.args.build / "lib" / "gantry" / "guests" / "rates_bare.elf"
        rates = []
        with Machine.bare(self.args.qemu, guest) as m:
            for what in ("hash", "copy"):
                begin = m.wait_for(f"{what} begin".encode())
                rates.append((64 << 20) / (m.wait_for(f"{what} end".encode()) - begin))
        return rates

    def in_turn(self, *measures):
        """What each of the measures gave, run by run; the host's speed changes while they run."""
        return list(zip(*([measure() for measure in measures] for _ in range(self.args.runs))))


def row(name, seconds, baseline, limit):
    return {"name": name, "seconds": seconds, "baseline": baseline,
            "ratio": seconds / baseline, "limit": limit}


def work_of(built, domains):
    """Bytes hashed and copied by one launch: each distinct module once into private memory, where
    it is hashed; then the loadable part of each domain's kernel, and its initrd, into its memory."""
    modules = list((built / "modules").iterdir())
    hashed = (built / "launch.lcm").stat().st_size + sum(m.stat().st_size for m in modules)
    kernel = next(m for m in modules if "vmlinux" in m.name)
    initrd = next(m for m in modules if "cpio" in m.name)
    return hashed, hashed + domains * (loadable(kernel) + initrd.stat().st_size)


def loadable(path):
    data = path.read_bytes()[:4096]
    offset, size, count = (struct.unpack_from("<Q", data, 32)[0],
                           *struct.unpack_from("<HH", data, 54))
    headers = (struct.unpack_from("<IIQQQQQQ", data, offset + i * size) for i in range(count))
    return sum(h[5] for h in headers if h[0] == 1)


if __name__ == "__main__":
    sys.exit(main())
