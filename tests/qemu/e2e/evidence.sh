#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The measured launch from end to end with small guests: what `gantry build` predicted is what the
# domain with the TPM reads, in every set of banks, and what the TPM itself holds.
# usage: evidence.sh GANTRY
. "$(dirname "$0")/../scenario.sh"
. "$(dirname "$0")/evidence_checks.sh"

launch='{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "required",
  "domains": [
    {"name": "attest", "memory": "16M", "kernel": "@evidence@", "cmdline": "@cmdline@", "roles": ["tpm"]},
    {"name": "other", "memory": "16M", "vcpus": 2, "kernel": "@hello@", "initrd": "@hello@"}
  ]}'

for banks in sha1,sha256,sha384 sha256 sha384,sha512; do
    new_case "banks $banks"
    build <<<"${launch/@cmdline@/}"
    boot --pcr-banks "$banks" --swtpm-pcrs
    expect_ok
    expect_pass attest
    expect_pass other
    expect_same_values "${banks//,/ }"
    verify
    expect_matches
done

new_case "SHA-1 alone proves nothing"
build <<<"${launch/@cmdline@/}"
boot --pcr-banks sha1
expect_ok
verify
expect_differs

for pcr in 12 13; do
    new_case "a domain that extends PCR $pcr after the launch"
    build <<<"${launch/@cmdline@/extend=$pcr}"
    boot
    expect_ok
    verify
    expect_differs "launch: PCR $pcr"
done

new_case "a domain with the TPM that says nothing"
build <<<"${launch/@evidence@/@hello@}"
boot
expect_ok
expect_line 'attest: delivered no "log" on its console: nothing to verify'
expect_line 'attest: delivered no "pcrs" on its console: nothing to verify'

finish
