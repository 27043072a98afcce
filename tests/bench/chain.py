# SPDX-License-Identifier: Apache-2.0
"""A chain of tiny domains, each of which starts when the one before has written a node: what a link costs
beyond the guest's own time, by the launch record. For device_bench.py."""
import re
import statistics

from figures import said_by
from launch import build_launch
from machine import Machine, NoTpm

LINKS = 8
LIMIT_MS = 20
STARTED = re.compile(rb"t_ns=(\d+) event=domain-started domid=(\d+) name=link\d+")
OWN = re.compile(rb"bench: own (\d+)\r?\n")


def build(build_dir, work):
    guest = build_dir / "lib" / "gantry" / "guests" / "chain_link.elf"

    def link(number):
        domain = {"name": f"link{number}", "memory": "16M", "cmdline": "seconds=10",
                  "kernel": str(guest.resolve()),
                  "ready": {"when": "xenstore", "path": "data/ready", "value": "yes"}}
        return domain if number == 1 else {**domain, "after": [f"link{number - 1}"]}

    return build_launch(build_dir, work, "chain", {
        "machine": {"memory": "512M", "cpus": 2}, "measurement": "off", "xenstore": True,
        "domains": [link(number) for number in range(1, LINKS + 1)],
    })


def run(qemu, built):
    """ms per link beyond the guests' own time."""
    with Machine.of_launch(qemu, built, 512, NoTpm()) as m:
        m.wait_for(OWN, LINKS)
        starts = [int(t) for t, _ in STARTED.findall(said_by(m.output, b"ff"))]
        own = [int(ns) for ns in OWN.findall(m.console())]
    links = [after - before for before, after in zip(starts, starts[1:])]
    return (statistics.mean(links) - statistics.mean(own[:-1])) / 1e6


def print_result(seen):
    median = statistics.median(seen)
    verdict = "ok" if median <= LIMIT_MS else "MISSED"
    print(f"a chain of {LINKS}: {median:.1f} ms ({min(seen):.1f}-{max(seen):.1f}) a link beyond the "
          f"guests' own time (at most {LIMIT_MS}: {verdict})")
    return median <= LIMIT_MS
