#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `gantry verify` and `gantry log` on recorded evidence.
# usage: verify.sh GANTRY CORPUS
set -euo pipefail
gantry=$1
corpus=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect STATUS LAST_LINE COMMAND...: what the command prints is left in $work/out.
expect() {
    local status=0 last
    "${@:3}" >"$work/out" 2>"$work/err" || status=$?
    last=$(tail -n 1 "$work/out")
    if [[ $status != "$1" || $last != "$2" ]]; then
        echo "${*:3}: status $status, last line \"$last\"; expected $1, \"$2\""
        cat "$work/out" "$work/err"
        exit 1
    fi
}
has_line() {
    grep -qF -- "$1" "$work/$2" || { echo "no line with \"$1\":"; cat "$work/$2"; exit 1; }
}
verify() { "$gantry" verify "$@" --reference "$corpus/reference.json"; }

matches='verdict: matches (evidence unsigned; hypervisor not measured by firmware)'
differs='verdict: differs'

expect 0 "$matches" verify "$corpus/matches"
has_line 'domain "web": matches' out
has_line 'domain "db": matches' out

expect 1 "$differs" verify "$corpus/differs"
has_line 'domain "web": initrd: /domains/0/initrd: expected sha256 ' out
has_line 'domain "db": cmdline: /domains/1/cmdline: expected console=hvc0, found console=hvc0 init=/bin/sh' out

expect 0 '}' verify "$corpus/matches" --json
jq -e '.verdict == "matches" and .root == "none" and .evidence == "unsigned" and
       (.domains | length) == 2 and .differences == []' "$work/out" >/dev/null
expect 1 '}' verify "$corpus/differs" --json
jq -e '.verdict == "differs" and ([.differences[].item] | index("initrd") and index("cmdline"))' \
    "$work/out" >/dev/null

# The log is as predicted, but nothing of it is in the TPM.
cp -r "$corpus/matches" "$work/forged"
sed -i 's/ \([0-9a-f]\)[0-9a-f]*$/ \1'"$(printf '%063d' 0)"'/' "$work/forged/pcrs"
expect 1 "$differs" verify "$work/forged"
has_line 'domain "web": unproven (nothing of its own differs, but the launch does)' out
expect 1 '}' verify "$work/forged" --json
jq -e '[.domains[].verdict] == ["unproven", "unproven"]' "$work/out" >/dev/null

# Malformed evidence is refused, and no domain is said to match.
cp -r "$corpus/matches" "$work/cut"
truncate -s -1 "$work/cut/log"
expect 1 "$differs" verify "$work/cut"
has_line 'the log ends within this record' err
if grep -q matches "$work/out"; then
    echo "a domain matches by a malformed log"
    exit 1
fi
cp -r "$corpus/matches" "$work/pcrs"
sed -i '1s/.$/x/' "$work/pcrs/pcrs"
expect 1 "$differs" verify "$work/pcrs"
has_line 'line 1: expected `bank index hex`' err

# Files that are not there are another matter than evidence that differs.
expect 2 '' verify "$work/nowhere"
expect 2 '' "$gantry" verify "$corpus/matches" --reference "$work/nowhere"
expect 2 '' "$gantry" verify "$corpus/matches"

expect 0 "    sha256 21 $(sed -n 's/^sha256 21 //p' "$corpus/matches/pcrs")" \
    "$gantry" log "$corpus/matches/log"
has_line '    | cmdline console=hvc0' out
expect 0 '}' "$gantry" log "$corpus/matches/log" --json
jq -e '.banks == ["sha256"] and (.events | length) == 19 and .events[0]["data-is-covered"]' \
    "$work/out" >/dev/null
expect 1 '' "$gantry" log "$work/cut/log"
expect 2 '' "$gantry" log "$work/nowhere"
