# SPDX-License-Identifier: Apache-2.0
# What two scenarios ask of evidence beyond the verdict. Sourced after scenario.sh.
# shellcheck shell=bash

# The PCRs of the reference values in some banks: lines "bank index hex".
reference_pcrs() {
    jq -r --arg banks "$1" '
        .pcrs[] | .pcr as $n | .digests | to_entries[] |
        select(.key as $k | $banks | split(" ") | index($k)) |
        "\(.key) \($n) \(.value)"' "$built/reference.json"
}

# The PCRs that tpm2_eventlog adds up, in the same form.
eventlog_pcrs() {
    tpm2_eventlog "$built/evidence/log" 2>"$built.eventlog.err" | awk '
        /^pcrs:/ { in_pcrs = 1; next }
        in_pcrs && /^  [a-z0-9]+:$/ { bank = $1; sub(":", "", bank) }
        in_pcrs && /: 0x/ { print bank, $1, substr($3, 3) }'
}

# expect_same_values BANKS: guest, TPM, prediction and tpm2_eventlog agree in each of these banks,
# and there is no other.
expect_same_values() {
    # Linux writes them in capital letters.
    local pcrs=$built.pcrs
    tr A-F a-f <"$built/evidence/pcrs" >"$pcrs"
    [ "$(cut -d ' ' -f 1 "$pcrs" | sort -u | xargs)" = "$(xargs -n 1 <<<"$1" | sort | xargs)" ] ||
        fail "banks of the guest: $(cut -d ' ' -f 1 "$pcrs" | sort -u | xargs)"
    diff <(sort "$pcrs") <(sort "$built/evidence/swtpm-pcrs") >/dev/null ||
        fail "the guest reads other PCRs than swtpm holds"
    [ "$(reference_pcrs "$1" | wc -l)" -eq $((3 * $(wc -w <<<"$1"))) ] ||
        fail "the reference values are not of three PCRs"
    diff <(reference_pcrs "$1" | sort) <(grep -E ' (12|13|21) ' "$pcrs" | sort) >/dev/null ||
        fail "the guest reads other PCRs than predicted"
    diff <(eventlog_pcrs | sort) <(reference_pcrs "$1" | sort) >/dev/null ||
        fail "tpm2_eventlog adds up other PCRs than predicted"
    [ ! -s "$built.eventlog.err" ] ||
        fail "tpm2_eventlog complains: $(head -n 3 "$built.eventlog.err")"
}
