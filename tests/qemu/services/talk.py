#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speaks with a domain "stays" through its channels "agent" (a terminal) and "log" (a socket), and
through its console, while `gantry boot --ptys` runs; prints what the domain says.
usage: talk.py OUTPUT_DIRECTORY"""
import os
import socket
import sys
import time


def wait_for(link):
    while not os.path.islink(link):
        time.sleep(0.1)
    return os.readlink(link)


def next_line(read):
    line = b""
    while not line.endswith(b"\n"):
        byte = read()
        if not byte:
            sys.exit(f"the other end is gone after {line}")
        line += byte
    return line.decode(errors="replace").strip()


def converse(name, text, read, write):
    while next_line(read) != "ready":
        pass
    write(text.encode() + b"\n")
    print(f"{name}: {next_line(read)}", flush=True)
    write(b"thanks\n")


out = sys.argv[1]
agent = os.open(wait_for(f"{out}/channels/stays/agent.pty"), os.O_RDWR | os.O_NOCTTY)
converse("agent", "through the terminal", lambda: os.read(agent, 1), lambda b: os.write(agent, b))
with socket.socket(socket.AF_UNIX) as log:
    log.connect(wait_for(f"{out}/channels/stays/log.socket"))
    converse("log", "through the socket", lambda: log.recv(1), log.sendall)
console = os.open(wait_for(f"{out}/console/stays.pty"), os.O_RDWR | os.O_NOCTTY)
while "SPEAK" not in next_line(lambda: os.read(console, 1)):
    pass
os.write(console, b"typed\n")
# The terminal stays open until the domain has it, or is gone.
said = more = b"\n"
try:
    while more and b"CONSOLE typed" not in said:
        more = os.read(console, 1024)
        said += more
except OSError:
    pass
