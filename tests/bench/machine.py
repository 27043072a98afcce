# SPDX-License-Identifier: Apache-2.0
"""Machines under QEMU whose output is timed, for the benchmarks here. Every wait has a limit; leaving the
`with` block ends the machine."""
import argparse
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = 600


def argument_parser(description, runs=3):
    """With what every benchmark here takes; `description` is its docstring."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--qemu", default="qemu-system-x86_64")
    parser.add_argument("--runs", type=int, default=runs)
    return parser


class SoftwareTpm:
    """A fresh swtpm with one bank; its control socket."""

    def __init__(self, work):
        self.state = pathlib.Path(tempfile.mkdtemp(dir=work))

    def __enter__(self):
        subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", self.state, "--lock-nvram",
                        "--pcr-banks", "sha256"], check=True, stdout=subprocess.DEVNULL)
        self.socket = self.state / "socket"
        self.process = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate",
                                         f"dir={self.state}", "--ctrl",
                                         f"type=unixio,path={self.socket}", "--terminate"])
        deadline = time.monotonic() + 10
        while not self.socket.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.state)

    def arguments(self):
        return ["-chardev", f"socket,id=tpm,path={self.socket}", "-tpmdev",
                "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0"]


class NoTpm:
    def arguments(self):
        return []


class Machine:
    def __init__(self, qemu, *arguments):
        self.command = [qemu, "-accel", "tcg,thread=multi", "-M", "q35", "-cpu", "max", "-display",
                        "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
                        *map(str, arguments)]
        self.output = b""
        self.arrivals = []  # (bytes so far, seconds since start)

    @classmethod
    def of_launch(cls, qemu, built, memory, tpm):
        boot = json.loads((built / "boot.json").read_text())
        path = lambda p: str(built / p).replace(",", ",,")
        return cls(qemu, "-smp", 3, "-m", memory, "-kernel", built / boot["hypervisor"], "-append",
                   boot["cmdline"], "-initrd", ",".join(map(path, boot["modules"])),
                   *tpm.arguments())

    @classmethod
    def direct(cls, qemu, kernel, initrd):
        return cls(qemu, "-smp", 1, "-m", 256, "-kernel", kernel, "-initrd", initrd, "-append",
                   "console=ttyS0 panic=-1")

    @classmethod
    def bare(cls, qemu, kernel):
        return cls(qemu, "-smp", 1, "-m", 256, "-kernel", kernel, "-device",
                   "isa-debug-exit,iobase=0xf4,iosize=1")

    def __enter__(self):
        self.start = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def console(self):
        """What was said, without the frames' headers (hv/abi/uart_frame.hpp)."""
        return re.sub(rb"\x1e[0-9a-f]{7}", b"", self.output)

    def wait_for(self, pattern, count=1):
        """Seconds from the start to the arrival of the count-th match."""
        pattern = re.compile(pattern) if isinstance(pattern, bytes) else pattern
        while True:
            if len(pattern.findall(self.console())) >= count:
                return self.arrivals[-1][1]
            self.read_more()

    def cpu_seconds(self):
        """CPU time that QEMU has taken so far: what a busy host changes least."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read_more(self):
        left = self.start + LIMIT_S - time.monotonic()
        ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
        data = self.process.stdout.read1(1 << 16) if ready else b""
        if not data:
            raise RuntimeError("the machine ended or was too slow; its last words:\n"
                               + self.output[-2000:].decode(errors="replace"))
        self.output += data
        self.arrivals.append((len(self.output), time.monotonic() - self.start))


def run_in_pairs(count, make, pattern):
    """Seconds until the last of `count` machines, two at a time, has said the pattern."""
    start = time.monotonic()
    for _ in range(count // 2):
        with contextlib.ExitStack() as stack:
            for machine in [stack.enter_context(make()) for _ in range(2)]:
                machine.wait_for(pattern)
    return time.monotonic() - start
