#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Guests that misbehave, each beside a neighbour that checks its memory and its heartbeat.
# usage: guests.sh GANTRY
. "$(dirname "$0")/../scenario.sh"

# beside NAME GUEST CMDLINE EXPECT [ARGUMENTS OF BOOT]
beside() {
    new_case "$1"
    build <<<'{
      "machine": {"memory": "256M", "cpus": 2}, "measurement": "off",
      "domains": [
        {"name": "neighbour", "memory": "32M", "kernel": "@neighbour@", "cmdline": "seconds=4 max_gap_ms=4000"},
        {"name": "bad", "memory": "16M", "kernel": "@'$2'@", "cmdline": "'$3'", "expect": "'$4'"}
      ]}'
    boot --tpm none "${@:5}"
    expect_ok
    expect_pass neighbour
    [ "$4" != poweroff ] || expect_pass bad
}
# Every heartbeat of the neighbour came out, in order and whole.
expect_every_heartbeat() {
    local log=$built/console/neighbour.log count
    count=$(grep -c '^heartbeat ' "$log")
    [ "$count" -ge 4 ] || fail "only $count heartbeats"
    diff <(seq 0 $((count - 1))) <(sed -n 's/^heartbeat \([0-9]*\) at [0-9]* ms$/\1/p' "$log") \
        >/dev/null || fail "the neighbour's console has lost something"
    lacks "$log" 'bytes lost' || fail "the console service has lost bytes of the neighbour"
}

# On one CPU, for with two the neighbour could just run on the other, and for longer than its longest
# gap, so that it notices.
beside "a guest that spins" spin seconds=8 poweroff --cpus 1
beside "a flood of hypercalls" hypercall_flood seconds=3 poweroff --cpus 1
beside "pointers that lead nowhere" bad_pointers "" poweroff
beside "what belongs to others" not_mine "" poweroff
beside "user space that does what only kernels may" user_mode "" poweroff
beside "a console ring that makes no sense, and a flood of text" console_abuse seconds=2 poweroff
expect_every_heartbeat
beside "a crash" crash how=0 crash
beside "a triple fault" crash how=1 crash
beside "a reboot" crash how=2 reboot
finish
