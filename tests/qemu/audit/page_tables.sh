#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# While domains run, nothing that the hypervisor has mapped is both writable and executable, nor
# within reach of user mode, and its text and constants cannot be written: read from the machine.
# usage: page_tables.sh GANTRY
. "$(dirname "$0")/../scenario.sh"

new_case "the hypervisor's page tables while domains run"
build <<<'{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "off",
  "domains": [
    {"name": "one", "memory": "16M", "kernel": "@neighbour@", "cmdline": "seconds=4 mib=1 max_gap_ms=60000"},
    {"name": "two", "memory": "16M", "kernel": "@neighbour@", "cmdline": "seconds=4 mib=1 max_gap_ms=60000"}
  ]}'
# The machine waits for who looks at it, so that no domain has ended before.
boot --tpm none --qemu-arg=-S --qemu-arg=-qmp "--qemu-arg=unix:$work/monitor,server=on,wait=off" &
machine=$!
# The third CPU is the one that runs no domain.
python3 "$(dirname "$0")/page_tables.py" "$work/monitor" "$library/hv.elf" 3 "$built/record.log" \
    >"$work/audit" 2>&1
audit=$?
wait "$machine"
cat "$work/audit"
[ "$audit" -eq 0 ] || fail "the audit found something"
expect_line 'machine: ok'
expect_pass one
expect_pass two
finish
