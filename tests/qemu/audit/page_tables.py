# SPDX-License-Identifier: Apache-2.0
"""Audits the page tables that the hypervisor's CPUs use, in a machine that runs: lets a machine go
that QEMU has not started yet (-S), waits until the launch record has a domain that runs, has QEMU's
monitor stop the machine at a moment when every CPU is in the hypervisor, and walks the tables in its
memory. Prints each fault and ends with 1 if there is one.
usage: page_tables.py QMP_SOCKET HV_ELF CPUS RECORD"""
import collections
import json
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

LIMIT_S = 60
SHOWN = 20
CR0_WP, EFER_NXE = 1 << 16, 1 << 11
P, RW, US, PS, NX = 1, 2, 4, 1 << 7, 1 << 63
ADDRESS = 0x000ffffffffff000

Mapping = collections.namedtuple("Mapping", "virtual physical bytes writable user executable")


class Monitor:
    """QEMU's machine protocol."""

    def __init__(self, path):
        deadline = time.monotonic() + LIMIT_S
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        self.socket.settimeout(LIMIT_S)
        self.lines = self.socket.makefile("rw")
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        self.lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.lines.flush()
        while True:  # events come in between
            answer = json.loads(self.lines.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def registers(self):
        """Of each CPU: name -> value."""
        text = self.execute("human-monitor-command", **{"command-line": "info registers -a"})
        cpus = []
        for cpu in re.split(r"CPU#\d+\s", text)[1:]:
            values = {name: int(value, 16)
                      for name, value in re.findall(r"\b(CR0|CR3|EFER)=([0-9a-f]+)", cpu)}
            values["IDT"] = int(re.search(r"IDT=\s*([0-9a-f]+)", cpu).group(1), 16)
            cpus.append(values)
        return cpus

    def table(self, physical):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "page"
            self.execute("pmemsave", val=physical, size=4096, filename=str(file))
            return struct.unpack("<512Q", file.read_bytes())


def symbols_of(elf):
    """Name without namespaces -> address."""
    lines = subprocess.run(["nm", "-C", elf], check=True, capture_output=True, text=True).stdout
    return {line.split(" ", 2)[2].split("::")[-1]: int(line.split(" ", 1)[0], 16)
            for line in lines.splitlines() if line[0] != " "}


def mappings(monitor, table, level=3, virtual=0, rights=RW | US, forbidden=0):
    """Every present leaf below a table; rights and NX are gathered on the way, [apm2] 5.6."""
    for index, entry in enumerate(monitor.table(table)):
        if not entry & P:
            continue
        size = 1 << (12 + 9 * level)
        at = virtual + index * size
        at |= 0xffff << 48 if at >> 47 == 1 else 0
        allowed, denied = rights & entry, forbidden | entry & NX
        if level == 0 or (level < 3 and entry & PS):
            yield Mapping(at, entry & ADDRESS & ~(size - 1), size, bool(allowed & RW),
                          bool(allowed & US), not denied)
        else:
            yield from mappings(monitor, entry & ADDRESS, level - 1, at, allowed, denied)


def faults_of(found, symbols):
    text, rodata = symbols["image_start"], symbols["image_rodata"]
    data, guard = symbols["image_data"], symbols["boot_stack_bottom"] - 4096
    pages_of_text = 0
    for m in found:
        faults = []
        if m.writable and m.executable:
            faults.append("writable and executable")
        if m.user:
            faults.append("accessible by user mode")
        if m.virtual != m.physical:
            faults.append("not at its physical address")
        if m.executable and not text <= m.virtual <= m.virtual + m.bytes <= rodata:
            faults.append("executable outside of the text")
        if m.writable and m.virtual < data and m.virtual + m.bytes > text:
            faults.append("writable, with text or constants in it")
        for name, page in (("page 0", 0), ("the boot stack's guard page", guard)):
            if m.virtual <= page < m.virtual + m.bytes:
                faults.append(f"there, and has {name}")
        for fault in faults:
            yield f"{m.virtual:#x} of {m.bytes:#x} bytes (physical {m.physical:#x}) is {fault}"
        if m.executable:
            pages_of_text += m.bytes // 4096
    if pages_of_text != (rodata - text) // 4096:
        yield f"{pages_of_text} executable pages, expected {(rodata - text) // 4096}"


def run_until_started(monitor, record):
    """Until a domain runs."""
    monitor.execute("cont")
    deadline = time.monotonic() + LIMIT_S
    while not record.exists() or b"event=domain-started" not in record.read_bytes():
        if time.monotonic() > deadline:
            sys.exit("no domain has started")
        time.sleep(0.02)


def stop_in_hypervisor(monitor, idt):
    """Stops the machine when no CPU runs a guest: its descriptor tables would be loaded then."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        monitor.execute("stop")
        cpus = monitor.registers()
        if all(cpu["IDT"] == idt for cpu in cpus):
            return cpus
        monitor.execute("cont")
        time.sleep(0.02)
    sys.exit("no moment at which every CPU is in the hypervisor")


def main():
    path, elf, count, record = sys.argv[1:]
    symbols = symbols_of(elf)
    monitor = Monitor(path)
    run_until_started(monitor, pathlib.Path(record))
    cpus = stop_in_hypervisor(monitor, symbols["idt"])
    faults = []
    if len(cpus) != int(count):
        faults.append(f"{len(cpus)} CPUs, expected {count}")
    for number, cpu in enumerate(cpus):
        if not cpu["CR0"] & CR0_WP:
            faults.append(f"CPU {number}: CR0.WP is clear: read-only pages are writable")
        if not cpu["EFER"] & EFER_NXE:
            faults.append(f"CPU {number}: EFER.NXE is clear")
    for root in {cpu["CR3"] & ADDRESS for cpu in cpus}:
        found = list(mappings(monitor, root))
        print(f"tables at {root:#x}: {len(found)} mappings, {sum(m.bytes for m in found) >> 20} MiB")
        faults += faults_of(found, symbols)
    monitor.execute("cont")
    print("\n".join(faults[:SHOWN]), f"{len(faults)} faults", sep="\n" if faults else "")
    return 1 if faults else 0


sys.exit(main())
