#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The example of the README: two stock Linux kernels, one of them with the TPM, whose evidence
# matches. Also: the same manifest builds to the same bytes.
# usage: two_linux.sh GANTRY SOURCE_DIR
. "$(dirname "$0")/../scenario.sh"
. "$(dirname "$0")/evidence_checks.sh"
source_dir=$2

new_case "two Linux domains"
if ! "$source_dir/images/recipe/two-linux" "$source_dir" >"$built.out" 2>"$built.err"; then
    echo "there is no kernel to boot, and none can be fetched"
    exit 1
fi
launch=$source_dir/examples/two-linux/launch.json
"$gantry" build "$launch" -o "$built" >"$built.out" 2>"$built.err" || fail "gantry build"
"$gantry" build "$launch" -o "$built.again" >/dev/null 2>&1 || fail "gantry build, again"
diff -r "$built" "$built.again" || fail "two builds of one manifest differ"

# runs_and_matches BANKS
runs_and_matches() {
    boot --memory 2G --pcr-banks "$1" --swtpm-pcrs
    expect_ok
    expect_line 'attest     ended by poweroff, as expected'
    expect_line 'worker     ended by poweroff, as expected'
    for domain in attest worker; do
        grep -qF "gantry-example: $domain reached user space" "$built/console/$domain.log" ||
            fail "$domain did not reach user space"
        grep -qF 'xen:events: Using FIFO-based ABI' "$built/console/$domain.log" ||
            fail "$domain does not use FIFO event channels"
    done
    grep -qE '^gantry-example: worker runs Linux [0-9.]+.* with 2 CPUs' "$built/console/worker.log" ||
        fail "worker does not see its two CPUs"
    for cpu in 0 1; do
        grep -qE "^gantry-example: worker computed [0-9a-f]{16} on CPU $cpu" \
            "$built/console/worker.log" || fail "worker did not compute on CPU $cpu"
    done
    expect_same_values "${1//,/ }"
    verify
    expect_matches
}
runs_and_matches sha1,sha256,sha384
name="two Linux domains, SHA-256 alone"
runs_and_matches sha256
finish
