#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No TPM, or one that goes wrong while hv (extends 1 to 6) or domB (from 7 on) uses it. Under
# `required` nothing runs; under `preferred` everything runs, unmeasured, and never looks measured.
# usage: tpm.sh GANTRY FAULTY_TPM
. "$(dirname "$0")/../scenario.sh"
faulty_tpm=$2
# Every wait for a TPM that does not answer takes 20 seconds.
time_limit=200

launch='{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "required",
  "domains": [
    {"name": "attest", "memory": "16M", "kernel": "@evidence@", "roles": ["tpm"]},
    {"name": "web", "memory": "16M", "kernel": "@hello@"}
  ]}'
preferred=${launch/required/preferred}
rescued=$(jq '.domains += [{"name": "rescue", "memory": "16M", "kernel": "@launcher_abuse@",
    "cmdline": "unmeasured", "roles": ["recovery"], "start-unmeasured": true}]' <<<"$launch")
off=${launch/required/off}

# wait_for_socket FILE
wait_for_socket() {
    for _ in $(seq 200); do
        [ -S "$1" ] && return
        sleep 0.05
    done
    fail "$1 does not appear"
}

# boot_faulty HOW AT: boots with a TPM that goes wrong.
boot_faulty() {
    local tpm=$built.tpm swtpm_pid faulty_pid
    mkdir "$tpm"
    swtpm_setup --tpm2 --tpmstate "$tpm" --pcr-banks sha256 >/dev/null 2>&1 ||
        fail "swtpm_setup does not work"
    swtpm socket --tpm2 --tpmstate dir="$tpm" --ctrl type=unixio,path="$tpm/swtpm" \
        >"$tpm/messages" 2>&1 &
    swtpm_pid=$!
    wait_for_socket "$tpm/swtpm"
    "$faulty_tpm" "$tpm/faulty" "$tpm/swtpm" "$@" >>"$tpm/messages" 2>&1 &
    faulty_pid=$!
    wait_for_socket "$tpm/faulty"
    boot --tpm-socket "$tpm/faulty"
    kill "$swtpm_pid" "$faulty_pid" 2>/dev/null
    wait "$swtpm_pid" "$faulty_pid" 2>/dev/null
}

new_case "no TPM, required"
build <<<"$launch"
boot --tpm none
expect_nothing_started
expect_line 'cannot measure: TPM: no TPM'
expect_line 'measurement is required: no domain is started'

# expect_rescued: nobody ran but the recovery domain, which had nothing and knew why.
expect_rescued() {
    expect_status 1
    expect_line 'machine: unexpected'
    expect_pass rescue
    expect_record 'event=recovery-started domid=3 reason=measurement%20is%20required%20and%20has%20failed'
    expect_record 'event=capped measured=no'
    [ "$(grep -c 'event=domain-started' "$built/record.log")" -eq 1 ] || fail "others have started"
}

new_case "no TPM, rescued"
build <<<"$rescued"
boot --tpm none
expect_line 'measurement is required: only the recovery domain will start'
expect_rescued

new_case "no TPM, preferred"
build <<<"$preferred"
boot --tpm none
expect_ok
expect_pass web
expect_line 'cannot measure: TPM: no TPM'
expect_line 'measurement is preferred: going on unmeasured'
expect_record 'event=capped measured=no'
[ ! -e "$built/evidence/log" ] || fail "there is evidence"

new_case "no TPM, off"
build <<<"$off"
boot --tpm none
expect_ok
expect_pass web
expect_line 'measurement is off: nothing is measured'
expect_no_line 'cannot measure'

new_case "a TPM, off"
build <<<"$off"
boot
expect_ok
expect_pass web
expect_no_record 'event=measured-hv'
[ ! -e "$built/evidence/log" ] || fail "there is evidence"

new_case "the TPM in between does no harm"
build <<<"$launch"
boot_faulty fail 1000
expect_ok
verify
expect_matches

new_case "a TPM without locality 2"
build <<<"$launch"
boot_faulty bound 1
expect_ok
expect_pass attest
expect_record 'event=measured-hv locality=0'
verify
expect_matches
expect_line 'mirror: absent (locality 2 was not usable; PCR 20 to 22 are untouched)'

# A TPM that works again is capped with the error separator; one that does not cannot be.
expect_capped_if_it_works() {
    if [ "$1" = fail ]; then
        expect_record 'event=capped separator=error ok=yes'
    else
        expect_record 'event=capped separator=error ok=no'
        expect_line 'the PCRs are not capped: TPM: '
    fi
}

# hv's part: it says so and stops.
for how in fail garbage gone mute; do
    new_case "$how in hv's part, required"
    build <<<"$launch"
    boot_faulty "$how" 3
    expect_nothing_started
    expect_line 'cannot measure: TPM: '
    expect_line 'measurement is required: no domain is started'
    expect_capped_if_it_works "$how"
    expect_no_record 'event=builder-started'
done

# domB's part: it has the rest refused, and hv caps with the error separator.
for how in fail garbage long gone mute; do
    new_case "$how in domB's part, required"
    build <<<"$launch"
    boot_faulty "$how" 9
    expect_nothing_started
    expect_line 'measurement has failed: '
    expect_line 'domain "web" (/domains/1) is refused: not-measured'
    expect_line 'builder failed in prepare: no domain is started'
    expect_capped_if_it_works "$how"
done

new_case "a failure in domB's part, rescued"
build <<<"$rescued"
boot_faulty fail 9
expect_line 'measurement has failed: '
expect_capped_if_it_works fail
expect_rescued

new_case "a failure in hv's part, preferred"
build <<<"$preferred"
boot_faulty fail 3
expect_pass web
expect_line 'measurement is preferred: going on unmeasured'
expect_record 'event=capped measured=no'
verify
[ "$status" -ne 0 ] || fail "what is not measured matches"

new_case "a failure in domB's part, preferred"
build <<<"$preferred"
boot_faulty fail 9
expect_pass web
expect_record 'event=capped measured=no'
verify
expect_differs 'expected capped, found error'

new_case "a TPM that dies in domB's part, preferred"
build <<<"$preferred"
boot_faulty gone 9
expect_pass web
expect_record 'event=capped separator=error ok=no'
expect_line 'the PCRs are not capped: TPM: '
expect_record 'event=capped measured=no'

new_case "a TPM that says it has extended and has not"
build <<<"$launch"
boot_faulty lie 9
expect_ok
verify
expect_differs 'launch: PCR'

finish
