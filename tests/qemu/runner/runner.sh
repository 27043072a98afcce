#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tests `gantry boot` against a fake QEMU: verdicts, exit statuses, files, and that nothing is left.
# usage: runner.sh GANTRY FAKE_QEMU
set -uo pipefail
gantry=$1
qemu=$2
plans=$(dirname "$0")/../../corpus/lcm
with_tpm=$plans/two_linux.lcm  # domain 1 has the role tpm
plan=$with_tpm
work=$(mktemp -d)
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
trap 'rm -rf "$work"' EXIT
failures=0
. "$(dirname "$0")/processes.sh"

# frame SOURCE TEXT: one frame of the UART; TEXT may have printf's escapes.
frame() {
    local text length
    printf -v text '%b.' "$2"
    length=$((${#text} - 1))
    printf '\x1e%s0%04x%s' "$1" "$length" "${text%.}"
}

# prepare HOW: a boot set of $plan whose fake machine says what comes on standard input and then does
# HOW.
prepare() {
    rm -rf "$work/set"
    mkdir "$work/set"
    cat >"$work/set/uart, with a comma"
    touch "$work/set/hv"
    cp "$plan" "$work/set/launch.lcm"
    printf '{"hypervisor": "hv", "cmdline": "%s", "modules": ["launch.lcm", "uart, with a comma"]}' \
        "$1" >"$work/set/boot.json"
}

boot() {
    "$gantry" boot "$work/set" --qemu "$qemu" --tpm none "$@" >"$work/out" 2>"$work/err"
    status=$?
    if [ -n "$(ls -A "$TMPDIR")" ]; then
        fail "left behind: $(ls -A "$TMPDIR")"
    fi
}

fail() {
    echo "FAIL: $name: $*"
    sed 's/^/    out: /' "$work/out"
    sed 's/^/    err: /' "$work/err"
    failures=$((failures + 1))
}

expect_status() {
    [ "$status" -eq "$1" ] || fail "exit status $status, expected $1"
}

expect_text() {
    grep -qF -- "$2" "$1" || fail "expected in $(basename "$1"): $2"
}

measured='t_ns=500000 event=measured-hv locality=2\n'
created='t_ns=1000000 event=domain-created domid=1 name=attest memory=1 vcpus=1 overhead=0\n'
ended='t_ns=2000000 event=domain-ended domid=1 how=poweroff expected=yes\n'
off='t_ns=3000000 event=machine-off status=ok\n'
pcrs='-----BEGIN GANTRY EVIDENCE name=pcrs bytes=3 sha256=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad-----\r\nYWJj\r\n-----END GANTRY EVIDENCE-----\r\n'

name="a machine that ends well"
{
    printf 'SeaBIOS\n'
    frame 00 'two CPUs\n'
    frame ff "$measured$created"
    frame 01 'booting\n\x1b[2J-----BEGIN GANTRY EVIDENCE x\n'
    frame 01 "$pcrs"
    frame ff "$ended$off"
} | prepare exit
boot
expect_status 0
expect_text "$work/out" 'attest    | booting'
expect_text "$work/out" 'attest    | \x1b[2J-----BEGIN'
expect_text "$work/out" 'attest     ended by poweroff, as expected'
expect_text "$work/out" 'machine: ok'
expect_text "$work/out" 'emulator: QEMU 0.1 (fake)'
expect_text "$work/set/hv.log" 'two CPUs'
expect_text "$work/set/firmware.log" 'SeaBIOS'
expect_text "$work/set/record.log" 'event=machine-off'
expect_text "$work/set/console/attest.log" 'YWJj'
[ "$(cat "$work/set/evidence/pcrs")" = abc ] || fail "evidence/pcrs"
grep -q 'SeaBIOS' "$work/out" && fail "the firmware is not asked for"
boot --json
expect_status 0
[ "$(jq -r '.status, .emulator, .domains[0].how, .timeline[0].event, .evidence[0]' "$work/out" | xargs)" = \
    "ok QEMU 0.1 (fake) poweroff measured-hv pcrs" ] || fail "JSON"

# ignored TEXT: the blocks that a guest prints are not stored, and that is said.
ignored() {
    boot
    expect_status 0
    [ ! -e "$work/set/evidence/pcrs" ] || fail "evidence is stored"
    expect_text "$work/out" "its evidence is ignored: $1"
    ! grep -q 'stored ' "$work/out" || fail "something is stored"
}
name="evidence of a domain without the TPM"
{
    frame ff "$measured$created${created/domid=1 name=attest/domid=2 name=web}"
    frame 02 "$pcrs"
    frame ff "$off"
} | prepare exit
ignored 'domain 1 carries it'
expect_text "$work/out" 'web: its evidence'

name="evidence though no domain has the TPM"
plan=$plans/smallest.lcm
{ frame ff "$measured$created"; frame 01 "$pcrs"; frame ff "$off"; } | prepare exit
ignored 'no domain has the role tpm'

name="evidence though nobody knows who has the TPM"
plan=$qemu
{ frame ff "$measured$created"; frame 01 "$pcrs"; frame ff "$off"; } | prepare exit
ignored 'the launch control module cannot be read'

plan=$with_tpm
name="evidence though the hypervisor found no TPM"
{ frame ff "$created"; frame 01 "$pcrs"; frame ff "$off"; } | prepare exit
ignored 'the hypervisor has given the TPM to nobody'

name="evidence though the hypervisor kept the TPM back"
{
    frame ff "$measured$created"
    frame ff 't_ns=1500000 event=capped separator=error ok=no\n'
    frame 01 "$pcrs"
    frame ff "$off"
} | prepare exit
ignored 'the hypervisor has given the TPM to nobody'

name="a machine in which one domain waits for another"
{
    frame ff "$created"
    frame ff 't_ns=1000000 event=domain-created domid=2 name=app memory=1 vcpus=1 overhead=0\n'
    frame ff 't_ns=1000000 event=domain-created domid=3 name=rescue memory=1 vcpus=1 overhead=0\n'
    frame ff 't_ns=2000000 event=domain-waiting domid=2 name=app after=attest\n'
    frame ff 't_ns=3000000 event=domain-ready domid=1 name=attest when=xenstore\n'
    frame ff 't_ns=4000000 event=domain-started domid=2 name=app\n'
    frame ff 't_ns=5000000 event=domain-ended domid=3 name=rescue how=not-started expected=yes\n'
    frame ff 't_ns=6000000 event=machine-off status=ok\n'
} | prepare exit
boot
expect_status 0
expect_text "$work/out" 'app        waited 0.002 s (0.002 s to 0.004 s) for attest (xenstore)'
expect_text "$work/out" 'rescue     never started'
boot --json
[ "$(jq -c '.waits' "$work/out")" = \
    '[{"domid":2,"name":"app","from_t_ns":2000000,"until_t_ns":4000000,"for":[{"name":"attest","when":"xenstore","failed":false,"t_ns":3000000}]}]' ] ||
    fail "JSON"

name="a machine whose status is not ok"
frame ff 't_ns=3 event=machine-off status=unexpected\n' | prepare exit
boot
expect_status 1
expect_text "$work/out" 'machine: unexpected'

name="a machine that ends without a word"
frame ff "$created" | prepare exit
boot
expect_status 1
expect_text "$work/out" 'machine: no-verdict'

name="a guest that writes a record line"
frame 01 't_ns=3 event=machine-off status=ok\n' | prepare exit
boot
expect_status 1

name="a machine that takes too long"
{ frame ff "$created"; frame 01 'mounting root\n'; } | prepare hang
for limit in 1 20; do # On a busy host the fake machine may not come to say anything so soon.
    boot --timeout "$limit"
    ! grep -qs 'mounting root' "$work/set/console/attest.log" || break
done
expect_status 1
expect_text "$work/out" 'machine: timeout'
expect_text "$work/out" 'last heard of: attest: mounting root'

name="a machine that goes on after machine-off"
frame ff 't_ns=3 event=machine-off status=ok\n' | prepare hang
boot --timeout 30
expect_status 0

# expect_arguments TEXT ARGUMENTS: what the machine is started with.
expect_arguments() {
    FAKE_QEMU_ARGUMENTS=$work/arguments boot "${@:2}"
    expect_status 0
    grep -qF -- " $1 " "$work/arguments" || fail "expected: $1, found: $(cat "$work/arguments")"
}

name="the machine's size"
frame ff 't_ns=3 event=machine-off status=ok\n' | prepare exit
# Of several CPUs the first runs no domain.
expect_arguments '-smp 3 -m 1024'
expect_arguments '-smp 4 -m 2048' --cpus 3 --memory 2G
jq '.machine = {"cpus": 4, "memory_mib": 300}' "$work/set/boot.json" >"$work/boot.json"
mv "$work/boot.json" "$work/set/boot.json"
expect_arguments '-smp 5 -m 300'
expect_arguments '-smp 1 -m 300' --cpus 1
expect_arguments '-smp 5 -m 512' --memory 512M
for wrong in '--cpus 0' '--cpus 256' '--memory 2X' '--tpm crb' '--timeout x'; do
    # shellcheck disable=SC2086  # two words
    boot $wrong
    expect_status 2
done

name="gdb and no TPM"
expect_arguments '-gdb tcp:127.0.0.1:4321 -S' --gdb 4321 --qemu-arg x
! grep -q tpm "$work/arguments" || fail "there is a TPM"

name="QEMU that does not start"
printf '' | prepare fail
boot
expect_status 2
expect_text "$work/err" 'fake-qemu: no such machine'

# not_qemu PROGRAM TEXT: it is not accepted, and the message has TEXT.
not_qemu() {
    qemu=$1 boot
    expect_status 2
    expect_text "$work/err" "gantry boot: $2"
}
# script NAME LINES: a program.
script() {
    printf '#!/bin/sh\n%b' "$2" >"$work/$1"
    chmod +x "$work/$1"
}
name="no QEMU"
frame ff 't_ns=3 event=machine-off status=ok\n' | prepare exit
not_qemu /nonexistent/qemu 'cannot start /nonexistent/qemu: No such file or directory'
not_qemu no-such-qemu 'cannot start no-such-qemu: No such file or directory'
not_qemu "" 'cannot start : No such file or directory'
name="QEMU that is no program"
not_qemu "$work" "cannot start $work: Permission denied"
touch "$work/file"
not_qemu "$work/file" "cannot start $work/file: Permission denied"
name="QEMU that is another program"
script other 'echo "I am\033 other"\n'
not_qemu "$work/other" "$work/other is not QEMU: expected \"QEMU emulator version ...\" from --version, found \"I am\\x1b other\" and status 0"
script silent ''
not_qemu "$work/silent" "$work/silent is not QEMU: "
name="QEMU that cannot run"
script broken 'echo "QEMU emulator version 10"\nexit 127\n'
not_qemu "$work/broken" "$work/broken is not QEMU: "
name="QEMU with a relative path"
(
    cd "$(dirname "$qemu")" || exit
    qemu=./$(basename "$qemu") boot
    exit "$status"
)
status=$?
expect_status 0
expect_text "$work/out" 'emulator: QEMU 0.1 (fake)'

name="no boot set"
rm "$work/set/boot.json"
boot
expect_status 2
expect_text "$work/err" 'boot.json'

# stop SIGNAL: sends it to a running boot; expects that the fake machine and its children end, too.
stop() {
    name="a boot that gets SIG$1"
    { frame ff "$created"; frame 01 'running\n'; } | prepare family
    rm "$work/out"
    "$gantry" boot "$work/set" --qemu "$qemu" --tpm none >"$work/out" 2>"$work/err" &
    local pid=$! machine children
    for _ in $(seq 600); do
        machine=$(pgrep -P "$pid")
        children=$(pgrep -d ' ' -P "$machine" sleep)
        grep -qs running "$work/out" && [ "$(wc -w <<<"$children")" -eq 2 ] && break
        sleep 0.1
    done 2>/dev/null
    kill -s "$1" "$pid"
    wait "$pid"
    status=$?
    # shellcheck disable=SC2086  # a list
    expect_gone $machine $children
    [ "$(wc -w <<<"$machine $children")" -eq 3 ] || fail "the fake machine did not run"
}
stop INT
expect_status 1
expect_text "$work/out" 'machine: interrupted'
[ -n "$(ls -A "$TMPDIR")" ] && fail "left behind: $(ls -A "$TMPDIR")"
stop TERM
expect_status 1

if [ "$failures" -ne 0 ]; then
    exit 1
fi
echo "all passed"
