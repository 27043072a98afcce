#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PV disks, PV interfaces and Xenstore as programs of Debian's stock kernel find them
(tests/linux/device_bench.cpp), in a PVH and in a PV domain, beside the same kernel and program on bare
QEMU with virtio. And a chain of domains that wait for one another (chain.py).

usage: device_bench.py [--build DIR] [--qemu PATH] [--runs N] [--json FILE]

Needs a release build with the target linux_device_bench; gets Debian's kernel if it is not there. Prints
medians of the runs, the lowest and the highest run, and ratios of medians and (of lowest runs). Ends with 1
if the chain's target is missed.
"""
import contextlib
import json
import pathlib
import socket
import sys
import tempfile

import chain
from figures import figures_of, per, print_table, rate, said_by
from launch import build_launch, run_tool
from machine import ROOT, Machine, NoTpm, argument_parser

KINDS = ("pvh", "pv", "virtio")
PAIRS = (("pvh", "virtio"), ("pv", "virtio"), ("pv", "pvh"))
CMDLINE = "panic=-1 loglevel=3"
END = rb"bench: (end|FAILED[^\n]*\n)"
DISK_MIB = 4  # as the RAM disks of examples/driver-domain
VIRTIO = {  # in the order in which they can be loaded
    "virtio_ring": "drivers/virtio", "virtio": "drivers/virtio",
    "virtio_pci_modern_dev": "drivers/virtio", "virtio_pci_legacy_dev": "drivers/virtio",
    "virtio_pci": "drivers/virtio", "virtio_blk": "drivers/block", "failover": "net/core",
    "net_failover": "drivers/net", "virtio_net": "drivers/net",
}
XEN = ("xen-blkfront", "xen-netfront")

# name: (what it is, unit, how ns become that)
FIGURES = {
    "disk_read": ("disk, in order, 128 KiB a time, read", "MiB/s", rate(1 / 8)),
    "disk_write": ("disk, in order, 128 KiB a time, write", "MiB/s", rate(1 / 8)),
    "disk_read_4k": ("disk, at random, 4 KiB, read", "us", per(1e3)),
    "disk_write_4k": ("disk, at random, 4 KiB, write", "us", per(1e3)),
    "stream": ("TCP stream to another domain or QEMU", "MiB/s", rate(1 / 16)),
    "ping": ("ping, there and back", "us", per(1e3)),
    "switch": ("context switch (pipe between two processes)", "us", per(1e3)),
    "xs_read": ("Xenstore, read", "1/s", rate(1)),
    "xs_write": ("Xenstore, write", "1/s", rate(1)),
    "xs_transaction": ("Xenstore, start, read, write, commit", "1/s", rate(1)),
    "xs_watch": ("Xenstore, write to watch event", "us", per(1e3)),
}


def main():
    args = parse_arguments()
    samples = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as work:
        bench = Bench(args, pathlib.Path(work))
        links = []
        for _ in range(args.runs):  # in turn, so that a busy moment meets all of them
            for kind in KINDS:
                samples[kind].append(bench.run(kind))
            links.append(chain.run(args.qemu, bench.chain))
    print_table(samples, FIGURES, PAIRS)
    is_met = chain.print_result(links)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({**samples, "chain": links}, indent=2) + "\n")
    return 0 if is_met else 1


def parse_arguments():
    parser = argument_parser(__doc__)
    parser.add_argument("--json")
    return parser.parse_args()


class Bench:
    def __init__(self, args, work):
        self.args = args
        self.work = work
        self.kernel = (ROOT / "build" / "cache" / "vmlinuz")
        run_tool(ROOT / "images" / "recipe" / "fetch-kernel", ROOT / "build" / "cache",
                 *(f"{folder}/{name}" for name, folder in VIRTIO.items()))
        run_tool(ROOT / "images" / "recipe" / "driver-domain", ROOT)
        self.initrds = {"xen": self.make_initrd("xen", XEN), "virtio": self.make_initrd("virtio", VIRTIO)}
        self.launches = {kind: self.build(kind) for kind in ("pvh", "pv")}
        self.chain = chain.build(args.build, work)

    def make_initrd(self, name, modules):
        path = self.work / f"{name}.cpio"
        folder = ROOT / "build" / "cache" / "modules"
        run_tool(ROOT / "images" / "recipe" / "make-initrd",
                 pathlib.Path(__file__).with_suffix(".init"), path,
                 self.args.build / "tests" / "linux" / "device_bench",
                 *(folder / f"{module}.ko" for module in modules))
        return path

    def build(self, kind):
        linux = {"memory": "160M", "kernel": str(self.kernel)}
        served = {**linux, "initrd": str(self.initrds["xen"]), "nets": [{"backend": "driver"}]}
        return build_launch(self.args.build, self.work, kind, {
            "machine": {"memory": "1G", "cpus": 2},
            "measurement": "off",
            "domains": [
                {**served, "name": "client", "type": kind,
                 "cmdline": "console=hvc0 " + arguments("client", XEN, "xvda"),
                 "disks": [{"vdev": "xvda", "backend": "driver", "target": "/dev/ram1"}]},
                {**served, "name": "peer", "cmdline": "console=hvc0 " + arguments("peer", XEN)},
                {**linux, "name": "driver", "cmdline": f"console=hvc0 {CMDLINE}",
                 "initrd": str(ROOT / "build" / "cache" / "driver.cpio")},
            ],
        })

    def run(self, kind):
        """Figures in ns."""
        said = self.run_virtio() if kind == "virtio" else self.run_domains(kind)
        figures = figures_of(kind, said)
        print(f"  {kind}: {figures}", file=sys.stderr, flush=True)
        return figures

    def run_domains(self, kind):
        with Machine.of_launch(self.args.qemu, self.launches[kind], 1024, NoTpm()) as m:
            m.wait_for(END)
            return said_by(m.output, b"01")

    def run_virtio(self):
        """Two QEMUs, a cable between them, and a disk in the host's RAM."""
        with contextlib.ExitStack() as stack:
            disk = stack.enter_context(tempfile.NamedTemporaryFile(dir="/dev/shm"))
            disk.truncate(DISK_MIB << 20)
            port = free_port()
            stack.enter_context(self.virtio_machine("peer", f"listen=127.0.0.1:{port}"))
            client = self.virtio_machine(
                "client", f"connect=127.0.0.1:{port}", "-drive",
                f"if=none,id=disk,format=raw,file={disk.name}", "-device",
                "virtio-blk-pci,drive=disk")
            m = stack.enter_context(client)
            m.wait_for(END)
            return m.output

    def virtio_machine(self, role, cable, *disk):
        kernel = next((self.launches["pvh"] / "modules").glob("*vmlinux*"))
        return Machine(self.args.qemu, "-smp", 1, "-m", 256, "-kernel", kernel, "-initrd",
                       self.initrds["virtio"], "-append",
                       "console=ttyS0 " + arguments(role, VIRTIO, "vda"), "-netdev",
                       f"socket,id=net,{cable}", "-device",
                       f"virtio-net-pci,netdev=net,romfile=,mac=52:54:00:00:00:0{ADDRESS[role]}",
                       *disk)


ADDRESS = {"client": 1, "peer": 2}


def arguments(role, modules, disk=None):
    """The kernel's command line; device_bench.init reads it."""
    return (f"{CMDLINE} role={role} modules={','.join(modules)} address={ADDRESS[role]} "
            f"peer={ADDRESS['peer']} disk={disk}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
