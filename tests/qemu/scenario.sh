# SPDX-License-Identifier: Apache-2.0
# What the scenarios share: say a manifest, build it, boot it, look at what came out. Sourced as
#     . "$(dirname "$0")/../scenario.sh"
# by scripts whose first argument is the gantry program; its lib/gantry is beside it. A scenario is
# a list of cases; one that fails shows what was printed and does not stop the others.
# The emulator is the installed QEMU, or the program that SCENARIO_QEMU names.
# shellcheck shell=bash
set -uo pipefail
gantry=$(readlink -f "$1")
library=$(readlink -f "$(dirname "$gantry")/../lib/gantry")
guests=$library/guests
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
name=
built=      # output folder of the last build
time_limit=240  # seconds for a machine, several times what it takes on a busy host
if [ -n "${SCENARIO_QEMU:-}" ] && [ ! -x "$SCENARIO_QEMU" ]; then
    echo "$SCENARIO_QEMU is missing: images/recipe/fetch-qemu $(dirname "$SCENARIO_QEMU") gets it"
    exit 1
fi

# new_case NAME
new_case() {
    name=$1
    built=$work/$(tr -c 'A-Za-z0-9\n' - <<<"$name")
    mkdir -p "$built.in"
    : >"$built.out" && : >"$built.err"
}

# A misspelled expectation must not look like one that holds. Bash calls this in a subshell.
command_not_found_handle() {
    echo "$name: no such command: $1" | tee -a "$work/unknown-commands" >&2
    return 127
}

fail() {
    echo "FAIL: $name: $*"
    sed 's/^/    out: /' "$built.out" | tail -n 40
    sed 's/^/    err: /' "$built.err" | tail -n 20
    failures=$((failures + 1))
}

# build [ARGUMENTS]: the manifest on standard input; @NAME@ stands for the test guest NAME.
build() {
    sed "s|@\([a-z_0-9]*\)@|$guests/\1.elf|g" >"$built.in/launch.json"
    "$gantry" build "$built.in/launch.json" -o "$built" "$@" >"$built.out" 2>"$built.err" ||
        fail "gantry build ends with $?"
}

# boot [ARGUMENTS]: boots what was built; its status is in $status.
boot() {
    "$gantry" boot "$built" --timeout "$time_limit" ${SCENARIO_QEMU:+--qemu "$SCENARIO_QEMU"} \
        "$@" >"$built.out" 2>"$built.err"
    status=$?
    [ -z "${SCENARIO_QEMU:-}" ] || [ "$status" -eq 2 ] || expect_line 'emulator: QEMU 10.'
}

# verify [REFERENCE]: against the reference values of the last build, or of another one.
verify() {
    "$gantry" verify "$built/evidence" --reference "${1:-$built/reference.json}" \
        >"$built.out" 2>"$built.err"
    status=$?
}

expect_status() {
    [ "$status" -eq "$1" ] || fail "exit status $status, expected $1"
}

# lacks FILE TEXT: the file is there and has no such line. A missing file shows nothing: grep ends
# with 2.
lacks() {
    grep -qF -- "$2" "$1"
    [ $? -eq 1 ]
}

# expect_line TEXT: a line of what was printed has it.
expect_line() {
    grep -qF -- "$1" "$built.out" || fail "expected: $1"
}
expect_no_line() {
    lacks "$built.out" "$1" || fail "not expected: $1"
}

# expect_record TEXT: the launch record has such an event.
expect_record() {
    grep -qF -- "$1" "$built/record.log" || fail "expected in the record: $1"
}
expect_no_record() {
    lacks "$built/record.log" "$1" || fail "not expected in the record, or no record: $1"
}

expect_pass() {
    grep -qx 'RESULT pass' "$built/console/$1.log" || fail "guest $1: $(
        grep -a RESULT "$built/console/$1.log" || echo "no verdict")"
}

# expect_said DOMAIN LINE...: whole lines of a domain's console. No pipe into `grep -q`, which ends at the
# first match: what fills the pipe would then have failed.
expect_said() {
    local domain=$1 line log=$built/console/$1.log
    shift
    for line in "$@"; do
        grep -qxF -- "$line" <(tr -d '\r' <"$log") || {
            fail "domain $domain does not say: $line"
            tail -n 40 "$log" | sed 's/^/    said: /'
        }
    done
}

# expect_reason DOMAIN TEXT: the recovery domain, a guest `steps`, finds it in its module and in
# Xenstore.
expect_reason() {
    local where
    for where in module node; do
        grep -qxF -- "$where: $2" "$built/console/$1.log" || fail "$1 is not told by its $where: $2"
    done
    expect_pass "$1"
}

# The machine did what the plan said.
expect_ok() {
    expect_status 0
    expect_line 'machine: ok'
}

# expect_matches: the verdict of `verify` is the good one, word for word.
expect_matches() {
    [ "$status" -eq 0 ] && [ "$(tail -n 1 "$built.out")" = \
        'verdict: matches (evidence unsigned; hypervisor not measured by firmware)' ] ||
        fail "the evidence does not match"
}

# expect_differs LINE...: it differs, and says where: each LINE is one of its lines, or begins one.
expect_differs() {
    [ "$status" -eq 1 ] && [ "$(tail -n 1 "$built.out")" = 'verdict: differs' ] ||
        fail "the evidence does not differ: status $status"
    local line
    for line in "$@"; do
        expect_line "$line"
    done
}

# Nothing ran: hv ended with a message, and no domain was started.
expect_nothing_started() {
    expect_status 1
    expect_line 'machine: failed'
    expect_no_record 'event=domain-started'
}

finish() {
    if [ -e "$work/unknown-commands" ]; then
        cat "$work/unknown-commands"
        failures=$((failures + 1))
    fi
    if [ "$failures" -ne 0 ]; then
        exit 1
    fi
    echo "all passed"
}
