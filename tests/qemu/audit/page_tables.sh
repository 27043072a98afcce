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
boot --tpm none --qemu-arg=-qmp "--qemu-arg=unix:$work/monitor,server=on,wait=off" &
machine=$!
while kill -0 "$machine" && ! grep -qs 'event=domain-started' "$built/record.log"; do
    sleep 0.1
done 2>/dev/null
# The third CPU is the one that runs no domain.
python3 "$(dirname "$0")/page_tables.py" "$work/monitor" "$library/hv.elf" 3 >"$work/audit" 2>&1
audit=$?
wait "$machine"
cat "$work/audit"
[ "$audit" -eq 0 ] || fail "the audit found something"
expect_line 'machine: ok'
expect_pass one
expect_pass two
finish
