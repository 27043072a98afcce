#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Start order, failures and recovery, with domains that do one thing after another: who waits, who
# starts, what a failure leads to, and what the recovery domain is told. A domain whose readiness or
# whose presence matters stays until it meets who starts after that.
# usage: order.sh GANTRY SOURCE_DIR
. "$(dirname "$0")/../scenario.sh"
source_dir=$2

# expect_order TEXT...: events of the record in this order, each the first that has the text.
expect_order() {
    local text line last=0
    for text in "$@"; do
        line=$(grep -nF -m 1 -- "$text" "$built/record.log" | cut -d: -f1)
        [ "${line:-0}" -gt "$last" ] || fail "not in the record, or too early: $text"
        last=${line:-$last}
    done
}

new_case "a chain"
build <<<'{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "off", "xenstore": true,
  "domains": [
    {"name": "third", "memory": "16M", "kernel": "@steps@", "cmdline": "meets=3", "after": ["second"]},
    {"name": "first", "memory": "16M", "kernel": "@steps@", "cmdline": "ms=300 write=1 then_meets=3",
     "ready": {"when": "xenstore", "path": "data/ready", "value": "yes"}},
    {"name": "second", "memory": "16M", "kernel": "@steps@", "cmdline": "meets=2 say=1 then_meets=1",
     "after": ["first"], "ready": {"when": "console", "text": "at your service"}},
    {"name": "late", "memory": "16M", "kernel": "@steps@", "cmdline": "then_meets=5",
     "ready": {"when": "xenstore", "path": "data/other", "timeout": "1500ms"},
     "on-failure": "ignore"},
    {"name": "patient", "memory": "16M", "kernel": "@steps@", "cmdline": "meets=4",
     "after": ["third", "late"]},
    {"name": "rescue", "memory": "16M", "kernel": "@steps@", "roles": ["recovery"]}
  ]}'
boot --tpm none
expect_ok
for domain in first second third late patient; do
    expect_pass "$domain"
done
expect_order 'event=domain-started domid=2 ' 'event=domain-waiting domid=3 name=second after=first' \
    'event=domain-ready domid=2 name=first when=xenstore' 'event=domain-started domid=3 ' \
    'event=domain-ready domid=3 name=second when=console' 'event=domain-started domid=1 '
expect_order 'event=domain-waiting domid=5 name=patient after=third,late' \
    'event=domain-failed domid=4 name=late reason=' 'event=domain-started domid=5 '
# Xenstore may not have answered by then.
grep -qE 'domain "late" \(/domains/3/ready\): not ready within 1500 ms: data/other is (empty|not there)' \
    "$built.out" || fail "nothing says why late is not ready"
grep -qE '^patient +waited [0-9.]+ s \([0-9.]+ s to [0-9.]+ s\) for third \(started\), late \(failed\)$' \
    "$built.out" || fail "the timeline does not say who waited for whom"
expect_no_record 'event=domain-started domid=6 '
expect_no_line 'NOT as expected'

new_case "a crash and recovery"
build <<<'{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "off", "xenstore": true,
  "domains": [
    {"name": "driver", "memory": "16M", "kernel": "@steps@", "cmdline": "write=1 then_meets=2 crash=1",
     "ready": {"when": "xenstore", "path": "data/ready"}, "expect": "poweroff",
     "on-crash": "recovery"},
    {"name": "app", "memory": "16M", "kernel": "@steps@", "cmdline": "meets=1 then_meets=5",
     "after": ["driver"]},
    {"name": "slow", "memory": "16M", "kernel": "@steps@", "cmdline": "then_meets=5",
     "ready": {"when": "xenstore", "path": "data/ready"}},
    {"name": "waits", "memory": "16M", "kernel": "@steps@", "after": ["slow"]},
    {"name": "rescue", "memory": "16M", "kernel": "@steps@", "cmdline": "reason=1 meets=2 then_meets=3",
     "roles": ["recovery"]}
  ]}'
boot --tpm none
expect_status 1
expect_line 'machine: unexpected'
expect_reason rescue 'domain "driver" (/domains/0): ended by crash'
expect_pass app
expect_pass slow
expect_order 'event=domain-started domid=2 ' 'domid=1 name=driver how=crash expected=no' \
    'domid=4 name=waits how=not-started expected=no' 'event=recovery-started domid=5 '
expect_line 'waits      never started, NOT as expected'
grep -q '^waits  *never started: it waited for slow (not ready)$' "$built.out" ||
    fail "the timeline does not say who waited for whom"

# Nobody else is left: the machine stays on for the recovery domain.
new_case "a domain that is refused"
build --unexamined <<<'{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "off", "xenstore": true,
  "domains": [
    {"name": "broken", "memory": "16M", "on-failure": "recovery",
     "kernel": "'"$source_dir"'/tests/corpus/manifest/kernels/no-note.elf"},
    {"name": "app", "memory": "16M", "kernel": "@steps@", "after": ["broken"]},
    {"name": "rescue", "memory": "16M", "kernel": "@steps@", "cmdline": "reason=1",
     "roles": ["recovery"]}
  ]}'
boot --tpm none
expect_status 1
expect_line 'machine: unexpected'
expect_record 'event=domain-built domid=1 outcome=refused'
reason=$(sed -n 's/^module: //p' "$built/console/rescue.log")
case $reason in
    'domain "broken" (/domains/0): refused: /domains/0/kernel: '?*) ;;
    *) fail "another reason: $reason" ;;
esac
expect_reason rescue "$reason"
expect_no_record 'event=domain-started domid=2 '

new_case "a halt"
build <<<'{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "off", "xenstore": true,
  "domains": [
    {"name": "mute", "memory": "16M", "kernel": "@steps@", "cmdline": "then_ms=100000",
     "ready": {"when": "console", "text": "ready", "timeout": "1s"}, "on-failure": "halt"},
    {"name": "other", "memory": "16M", "kernel": "@steps@", "cmdline": "then_ms=100000"},
    {"name": "waits", "memory": "16M", "kernel": "@steps@", "after": ["mute"]}
  ]}'
boot --tpm none
expect_status 1
expect_line 'machine: unexpected'
expect_line 'domain "mute" (/domains/0/ready): not ready within 1 s: its console has not printed "ready"'
expect_record 'domid=1 name=mute how=stopped expected=no'
expect_record 'domid=2 name=other how=stopped expected=no'
expect_record 'domid=3 name=waits how=not-started expected=no'

# Who is held never starts, and who runs is not disturbed.
new_case "a launcher that crashes"
build <<<'{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "off",
  "domains": [
    {"name": "first", "memory": "16M", "kernel": "@steps@", "cmdline": "then_ms=1000"},
    {"name": "waits", "memory": "16M", "kernel": "@steps@", "after": ["first"]},
    {"name": "starter", "memory": "16M", "kernel": "@crash@", "roles": ["launcher"]}
  ]}'
boot --tpm none
expect_status 1
expect_line 'machine: unexpected'
expect_pass first
expect_record 'name=starter how=crash expected=no'
expect_no_record 'event=domain-started domid=2 '
expect_line 'waits      never started'

finish
