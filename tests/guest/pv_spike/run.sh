#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Both variants of the PV design work, in a container and on a bare machine, and differ where
# hv/pv/README.md says. Speed is tests/bench/pv_spike.py's.
# usage: run.sh GANTRY
. "$(dirname "$0")/../../qemu/scenario.sh"

# expect_answers FILE: what a kernel at CPL 3 | at CPL 0 sees there.
expect_answers() {
    local line
    while read -r line; do
        grep -qxF -- "probe $line" "$1" || fail "expected in $1: $line"
    done <<'END'
mov cs | e033 | e008
cli; pushf | #GP(0) | 0
popf without IF; pushf | 200 | 0
swapgs, twice | #GP(0) | 0
iretq to e033, e02b | e033 | #PF(15)
iretq to e030, ss e028 | #GP(e030) | #GP(e030)
iretq to a conforming e050, ss 0 | #GP(e050) | e050
mov e02b to ss | 0 | #GP(e028)
store to a read-only page of its own | #PF(7) | #PF(3)
load from the hypervisor's area | #PF(5) | 0
user: load from the kernel | #PF(4) | #PF(5)
user: load from the hypervisor's area | #PF(5) | #PF(5)
user: lcall to a call gate of its GDT | e008 | e008
END
}

new_case "in a container"
build <<<'{
  "machine": {"memory": "256M", "cpus": 1}, "measurement": "off",
  "domains": [{"name": "spike", "memory": "16M", "kernel": "@pv_spike@"}]}'
boot --tpm none
expect_ok
expect_pass spike
expect_answers "$built/console/spike.log"
grep -q '^time syscall.c_page' "$built/console/spike.log" || fail "variant C has not run"

new_case "bare"
timeout 60 "${SCENARIO_QEMU:-qemu-system-x86_64}" -accel tcg -M q35 -cpu max -m 128 \
    -display none -monitor none -serial stdio -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=1 \
    -kernel "$guests/pv_spike_bare.elf" >"$built.out" 2>"$built.err"
grep -qx 'RESULT pass' "$built.out" || fail "no verdict"
expect_answers "$built.out"
finish
