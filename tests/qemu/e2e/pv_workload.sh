#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stock Linux as PV domains, one and two vCPUs, working beside a PVH domain that does the same, and one
# that reads the evidence; everything is measured and matches. WORKLOAD_SECONDS=60 for a minute of it.
# usage: pv_workload.sh GANTRY SOURCE_DIR PROGRAMS_DIR
. "$(dirname "$0")/../scenario.sh"
source_dir=$2
programs=$3
seconds=${WORKLOAD_SECONDS:-15}
time_limit=400

new_case "PV domains at work"
if ! "$source_dir/images/recipe/two-linux" "$source_dir" >"$built.out" 2>"$built.err"; then
    fail "there is no kernel to boot, and none can be fetched"
    finish
fi
"$source_dir/images/recipe/make-initrd" "$(dirname "$0")/workload.init" "$work/workload.cpio" \
    "$programs/workload" "$programs/workload32"
kernel='"kernel": "'"$source_dir"'/build/cache/vmlinuz"'
worker='"memory": "160M", '$kernel', "initrd": "'"$work"'/workload.cpio"'
build <<<'{
  "domains": [
    {"name": "attest", "memory": "256M", '"$kernel"', "roles": ["tpm"],
     "initrd": "'"$source_dir"'/build/cache/attest.cpio", "cmdline": "console=hvc0 panic=-1"},
    {"name": "pv1", "type": "pv", '"$worker"', "cmdline": "console=hvc0 panic=-1 workload='"$seconds"'"},
    {"name": "pv2", "type": "pv", "vcpus": 2, "pv": {"p2m": "permuted"}, '"$worker"',
     "cmdline": "console=hvc0 panic=-1 workload='"$seconds"'"},
    {"name": "pvh", '"$worker"', "cmdline": "console=hvc0 panic=-1 workload='"$seconds"'"}
  ]}'
boot --memory 1G
expect_ok
for domain in pv1 pv2 pvh; do
    log=$built/console/$domain.log
    grep -qE '^workload: ok after [0-9]+ rounds' "$log" || fail "$domain: $(grep -a '^workload:' "$log")"
    grep -q '^scripts: ok' "$log" || fail "$domain: the scripts did not end"
    grep -qF 'xen:events: Using FIFO-based ABI' "$log" || fail "$domain: not by FIFO event channels"
    for complaint in Oops BUG: WARNING: 'Call Trace'; do
        lacks "$log" "$complaint" || fail "$domain: its kernel says $complaint"
    done
done
verify
expect_matches
finish
