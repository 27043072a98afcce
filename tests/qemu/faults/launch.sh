#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A builder that dies in prepare, and launch control modules with a flipped bit: hv always ends with
# a message and in time, and what runs is never taken for what was meant.
# usage: launch.sh GANTRY
. "$(dirname "$0")/../scenario.sh"

launch='{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "required",
  "domains": [
    {"name": "attest", "memory": "16M", "kernel": "@evidence@", "roles": ["tpm"]},
    {"name": "web", "memory": "16M", "kernel": "@hello@"}
  ]}'

new_case "a builder that crashes in prepare"
mkdir "$work/lib"
cp "$library/hv.elf32" "$library/console.elf" "$work/lib"
cp "$guests/builder_crash.bin" "$work/lib/domb.bin"
build --lib "$work/lib" <<<"$launch"
boot
expect_nothing_started
expect_line 'the builder crashes now'
expect_line 'builder failed in prepare: no domain is started'
expect_record 'event=capped separator=error ok=yes'

new_case "what was meant"
build <<<"$launch"
good=$built

# flip FILE OFFSET: changes bit 0 of one byte.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    # shellcheck disable=SC2059  # the format is the byte
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Either it is refused and nothing runs, or it runs and its evidence differs.
size=$(stat -c %s "$good/launch.lcm")
for part in 0 1 2 3 4 5 6 7; do
    at=$((size * part / 8 + part))
    new_case "the launch control module with another bit at $at"
    cp -r "$good" "$built"
    flip "$built/launch.lcm" "$at"
    boot
    if grep -q 'event=domain-started' "$built/record.log"; then
        [ ! -e "$built/evidence/log" ] || { verify; expect_differs 'launch: launch.lcm'; }
    else
        expect_nothing_started
        grep -q '^fault: ' "$built.out" || fail "no message"
    fi
done

new_case "half a launch control module"
cp -r "$good" "$built"
truncate -s $((size / 2)) "$built/launch.lcm"
boot
expect_nothing_started
expect_line 'launch control module refused: '
finish
