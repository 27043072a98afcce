#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A builder that fails in prepare, and launch control modules with a flipped bit: hv always ends with
# a message and in time, and what runs is never taken for what was meant.
# usage: launch.sh GANTRY
. "$(dirname "$0")/../scenario.sh"

launch='{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "required",
  "domains": [
    {"name": "attest", "memory": "16M", "kernel": "@evidence@", "roles": ["tpm"]},
    {"name": "web", "memory": "16M", "kernel": "@hello@"}
  ]}'

# boot_failing STEP: with a builder that fails at that point (tests/guest/builder_crash).
boot_failing() {
    mkdir -p "$work/lib"
    cp "$library/hv.elf32" "$library/console.elf" "$work/lib"
    LC_ALL=C sed "s/GANTRY-STEP=../GANTRY-STEP=$1/" "$guests/builder_crash.bin" >"$work/lib/domb.bin"
    build --lib "$work/lib" <<<"$launch"
    boot
}

# Whatever was ready then: hv caps with the error separator and starts nothing.
expect_failed_in_prepare() {
    expect_nothing_started
    expect_line 'builder failed in prepare: no domain is started'
    expect_record 'event=capped separator=error ok=yes'
    expect_no_line 'cannot be '
}

for step in 00 01 02 03 04 05 09; do
    new_case "a builder that crashes in prepare, step $step"
    boot_failing "$step"
    expect_failed_in_prepare
    expect_line 'the builder crashes now'
done

# capped_too_early STEP ERRNO: hv does not take the cap, so the builder ends in prepare.
capped_too_early() {
    boot_failing "$1"
    expect_failed_in_prepare
    expect_line "cap answers -$2"
    expect_no_record 'event=capped measured'
}
new_case "a builder that caps what it has not measured"
capped_too_early 06 1
new_case "a builder that caps before every domain is decided"
capped_too_early 07 16
new_case "a builder that caps a log cut short"
capped_too_early 08 22

new_case "a builder that never ends"
# On a busy host the machine may not come that far so soon.
for limit in 10 60; do
    time_limit=$limit boot_failing 10
    ! grep -qF 'the builder spins now' "$built.out" || break
done
expect_status 1
expect_line 'machine: timeout'
expect_line 'the builder spins now'
expect_no_record 'event=domain-started'

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
        [ ! -e "$built/evidence/log" ] || { verify; expect_differs 'launch: launch.lcm: expected sha256 '; }
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
