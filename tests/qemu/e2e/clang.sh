#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The images as clang compiles them: a measured launch whose evidence matches. All other scenarios
# boot what g++ has compiled.
# usage: clang.sh GANTRY LIB_DIR_OF_CLANG
. "$(dirname "$0")/../scenario.sh"
library=$2
guests=$library/guests
if [ ! -f "$library/hv.elf32" ]; then
    echo "not built: cmake --preset fuzz && cmake --build --preset fuzz --target images"
    exit 77
fi
new_case "images compiled by clang"
build --lib "$library" <<<'{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "required",
  "domains": [
    {"name": "attest", "memory": "16M", "kernel": "@evidence@", "roles": ["tpm"]},
    {"name": "other", "memory": "16M", "vcpus": 2, "kernel": "@hello@", "initrd": "@hello@"}
  ]}'
[ "$(readelf -p .debug_str "$library/hv.elf" | grep -c 'clang version')" -gt 0 ] ||
    fail "another compiler made $library/hv.elf"
cmp -s "$library/hv.elf32" "$built/hv.elf32" || fail "another hypervisor was built in"
boot
expect_ok
expect_pass attest
expect_pass other
verify
expect_matches
finish
