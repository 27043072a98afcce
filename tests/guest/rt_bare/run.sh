#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh rt_bare.elf
set -euo pipefail
output=$(timeout 30 "${SCENARIO_QEMU:-qemu-system-x86_64}" -accel tcg -M q35 -cpu max -m 128 \
    -display none -monitor none -serial stdio -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=1 -kernel "$1") && status=0 || status=$?
echo "$output"
# isa-debug-exit gives 2 * value + 1, and the value is SHUTDOWN_crash.
[[ $status == 7 && $output == "reached C++"*"exception 14 error 3"* && $output != *writable* ]]
