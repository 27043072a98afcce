#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Our own PV kernel (tests/guest/pv): start of day in its four forms, then every other guest of it;
# half of them with a permuted p2m.
# usage: own_kernel.sh GANTRY
. "$(dirname "$0")/../scenario.sh"

# domain NAME GUEST P2M VCPUS [CMDLINE [EXPECT]]
domain() {
    echo '{"name": "'"$1"'", "type": "pv", "memory": "16M", "vcpus": '"$4"', "kernel": "@'"$2"'@",
           "pv": {"p2m": "'"$3"'"}, "cmdline": "'"${5:-test}"'",
           "expect": "'"${6:-poweroff}"'"}'
}
# plan DOMAIN...
plan() {
    local IFS=,
    echo '{"machine": {"memory": "512M", "cpus": 2}, "measurement": "off", "domains": ['"$*"']}'
}

new_case "start of day"
build <<<"$(plan \
    "$(domain plain pv_hello identity 1)" \
    "$(domain permuted pv_hello permuted 1 permuted)" \
    "$(domain elsewhere pv_hello_init_p2m identity 1 init_p2m)" \
    "$(domain both pv_hello_init_p2m permuted 1 'permuted init_p2m')")"
boot --tpm none
expect_ok
for guest in plain permuted elsewhere both; do
    expect_pass "$guest"
done

new_case "what a PV kernel does"
build <<<"$(plan \
    "$(domain traps pv_traps identity 1)" \
    "$(domain user_traps pv_user_traps permuted 1)" \
    "$(domain user_tables pv_user_tables permuted 1)" \
    "$(domain vectors pv_vectors identity 1)" \
    "$(domain syscall pv_syscall permuted 1)" \
    "$(domain mmu pv_mmu permuted 1)" \
    "$(domain descriptors pv_descriptors identity 1)" \
    "$(domain events pv_events permuted 2)" \
    "$(domain memory pv_memory permuted 1)" \
    "$(domain exchange pv_exchange permuted 1)" \
    "$(domain vcpu pv_vcpu identity 1)" \
    "$(domain ports pv_ports permuted 1)" \
    "$(domain fifo pv_fifo permuted 2)" \
    "$(domain grants pv_grants permuted 1)" \
    "$(domain grant_errors pv_grant_errors identity 1)" \
    "$(domain misc pv_misc identity 1)")"
boot --tpm none
expect_ok
for guest in traps user_traps user_tables vectors syscall mmu descriptors events memory exchange \
    grants grant_errors vcpu ports fifo misc; do
    expect_pass "$guest"
    sed "s/^/$guest: /" "$built/console/$guest.log"
done

new_case "what a PV kernel does not survive"
mistakes=(no_stack no_canonical_stack hypervisors_stack no_handler no_tables)
build <<<"$(plan \
    "$(for mistake in "${mistakes[@]}"; do
        domain "$mistake" pv_ends permuted 1 "$mistake" crash
        echo ,
    done)$(domain neighbour pv_hello permuted 1 permuted)")"
boot --tpm none
expect_ok
expect_pass neighbour
for mistake in "${mistakes[@]}"; do
    grep -qx goodbye "$built/console/$mistake.log" || fail "$mistake: did not begin"
    lacks "$built/console/$mistake.log" RESULT || fail "$mistake: has survived"
done

new_case "grants between PV kernels"
build <<<"$(plan \
    "$(domain granter pv_grant_peer identity 1 granter)" \
    "$(domain mapper pv_grant_peer permuted 1 mapper)")"
boot --tpm none
expect_ok
expect_pass granter
expect_pass mapper
finish
