#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Guests that misbehave, each beside a neighbour that checks its memory and its heartbeat.
# usage: guests.sh GANTRY
. "$(dirname "$0")/../scenario.sh"

# bad NAME GUEST CMDLINE EXPECT: one more domain of the next machine.
domains=
bad() {
    domains+=', {"name": "'$1'", "memory": "16M", "kernel": "@'$2'@", "cmdline": "'$3'", "expect": "'$4'"}'
}

# hv_address NAME: of a function of hv, in decimal digits.
hv_address() {
    echo $((16#$(nm -C "$library/hv.elf" | sed -n "s/ T $1(.*//p")))
}

# beside_neighbour NAME [ARGUMENTS OF BOOT]: all of them end as expected, and the neighbour notices
# nothing.
beside_neighbour() {
    new_case "$1"
    build <<<'{
      "machine": {"memory": "256M", "cpus": 2}, "measurement": "off",
      "domains": [
        {"name": "neighbour", "memory": "32M", "kernel": "@neighbour@", "cmdline": "seconds=4 max_gap_ms=4000"}
        '"$domains"'
      ]}'
    domains=
    boot --tpm none "${@:2}"
    expect_ok
    expect_pass neighbour
}

# Every heartbeat of the neighbour came out, in order and whole; on a busy host there are few.
expect_every_heartbeat() {
    local log=$built/console/neighbour.log count
    count=$(grep -c '^heartbeat ' "$log")
    [ "$count" -ge 2 ] || fail "only $count heartbeats"
    diff <(seq 0 $((count - 1))) <(sed -n 's/^heartbeat \([0-9]*\) at [0-9]* ms$/\1/p' "$log") \
        >/dev/null || fail "the neighbour's console has lost something"
    lacks "$log" 'bytes lost' || fail "the console service has lost bytes of the neighbour"
}

# On one CPU, for with two the neighbour could just run on the other, and for longer than its longest
# gap, so that it notices.
bad bad spin seconds=8 poweroff
beside_neighbour "a guest that spins" --cpus 1
expect_pass bad
bad bad hypercall_flood seconds=6 poweroff
beside_neighbour "a flood of hypercalls" --cpus 1
expect_pass bad

bad greedy not_mine "" poweroff
bad astray bad_pointers "" poweroff
bad presumptuous user_mode "" poweroff
bad breakpoint breakpoint "address=$(hv_address hv::run::handle_exit)" poweroff
bad events events "" poweroff
bad crash crash how=0 crash
bad fault crash how=1 crash
bad reboot crash how=2 reboot
beside_neighbour "what belongs to others, pointers that lead nowhere, user space as a kernel, breakpoints, interrupts, three ends"
expect_pass greedy
expect_pass astray
expect_pass presumptuous
expect_pass breakpoint
expect_pass events

bad bad console_abuse seconds=2 poweroff
beside_neighbour "a console ring that makes no sense, and a flood of text"
expect_pass bad
expect_every_heartbeat

# The launcher itself, who decides against a domain of the plan: nobody expects that.
new_case "a launcher that goes too far"
build <<<'{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "off",
  "domains": [
    {"name": "launcher", "memory": "16M", "kernel": "@launcher_abuse@", "roles": ["launcher"]},
    {"name": "neighbour", "memory": "32M", "kernel": "@neighbour@", "cmdline": "seconds=2 max_gap_ms=4000 meets=1"},
    {"name": "late", "memory": "16M", "kernel": "@hello@", "after": ["neighbour"]},
    {"name": "never", "memory": "16M", "kernel": "@hello@", "after": ["neighbour"]},
    {"name": "rescue", "memory": "16M", "kernel": "@launcher_abuse@", "cmdline": "rescue",
     "roles": ["recovery"]}
  ]}'
boot --tpm none
expect_status 1
expect_line 'machine: unexpected'
for domain in launcher neighbour late rescue; do
    expect_pass "$domain"
done
expect_record 'event=recovery-started domid=5 reason=the%20test%20wants%20it'
expect_record 'event=domain-ended domid=4 name=never how=not-started expected=no'
expect_no_record 'event=domain-started domid=4 '
finish
