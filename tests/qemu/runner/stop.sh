#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C at every stage of `gantry boot`: it ends at once, with its status, and leaves neither a
# process nor a file behind. Also: a time limit, and gdb at a machine that waits for it.
# usage: stop.sh GANTRY
. "$(dirname "$0")/../scenario.sh"
. "$(dirname "$0")/processes.sh"
export TMPDIR=$work/tmp
mkdir "$TMPDIR" "$work/bin"

launch='{
  "machine": {"memory": "128M", "cpus": 2}, "measurement": "required",
  "domains": [{"name": "busy", "memory": "16M", "kernel": "@spin@", "cmdline": "seconds=@seconds@"}]}'
forever=${launch/@seconds@/1000}
shortly=${launch/@seconds@/1}

# Programs that say that they run and then take their time, where QEMU and swtpm are looked up.
# slow PROGRAM ARGUMENT: only when an argument has that text.
slow() {
    printf '#!/bin/bash\ncase "$*" in *"%s"*) touch "%s"; sleep 1000 ;; esac\nexec %s "$@"\n' \
        "$2" "$work/slow-$1" "$(command -v "$1")" >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}

# start ARGUMENTS: in a session of its own, so that everything it starts can be found.
start() {
    PATH=$work/bin:$PATH env --default-signal=INT setsid \
        "$gantry" boot "$@" >"$built.out" 2>"$built.err" &
    pid=$!
}

# wait_for COMMAND...: until it succeeds; not for ever, and not once the boot has ended.
wait_for() {
    for _ in $(seq 6000); do
        "$@" && return
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.01
    done
    "$@"
}
# wait_until FILE TEXT: it has it.
wait_until() {
    wait_for grep -qsF -- "$2" "$1" || fail "no \"$2\" in $(basename "$1")"
}

# expect_end SECONDS: it ends, and nothing is left.
expect_end() {
    for _ in $(seq $((100 * $1))); do
        [ -n "$(command_of "$pid")" ] || break
        sleep 0.01
    done
    if [ -n "$(command_of "$pid")" ]; then
        fail "it has not ended after $1 s"
        kill -9 "$pid"
    fi
    wait "$pid" 2>/dev/null
    status=$?
    # shellcheck disable=SC2046  # a list
    expect_gone $(pgrep -s "$pid")
}
expect_no_file() {
    [ -z "$(ls -A "$TMPDIR")" ] || fail "left behind: $(ls -A "$TMPDIR")"
}

# stop SIGNAL: expects the end of a boot that is under way.
stop() {
    kill -s "$1" "$pid"
    expect_end 10
    expect_no_file
}
expect_interrupted() {
    expect_status 1
    expect_line 'machine: interrupted'
}

new_case "Ctrl-C while it builds"
mkfifo "$work/initrd"
sed "s|@spin@|$guests/spin.elf|" <<<"$forever" |
    jq --arg file "$work/initrd" '.domains[0].initrd = $file' >"$built.in/launch.json"
start "$built.in/launch.json" -o "$built"
wait_until "$built.out" 'building '
stop INT
expect_status 130
[ ! -e "$built" ] || fail "something was built"

# slow_case NAME PROGRAM ARGUMENT: Ctrl-C while this program runs.
slow_case() {
    new_case "$1"
    build <<<"$forever"
    slow "$2" "$3"
    start "$built"
    wait_for [ -e "$work/slow-$2" ] || fail "$2 was not started"
    stop INT
    rm "$work/bin/$2" "$work/slow-$2"
    expect_interrupted
}
slow_case "Ctrl-C while the TPM is set up" swtpm_setup --pcr-banks
slow_case "Ctrl-C while swtpm starts" swtpm tpm.sock
slow_case "Ctrl-C while QEMU says its version" qemu-system-x86_64 --version
slow_case "Ctrl-C while QEMU starts" qemu-system-x86_64 -initrd

# stop_at SIGNAL LOG TEXT
stop_at() {
    new_case "SIG$1 at $3"
    build <<<"$forever"
    start "$built"
    wait_until "$built/$2.log" "$3"
    stop "$1"
    expect_interrupted
}
new_case "Ctrl-C while the firmware runs"
build <<<"$forever"
start "$built"
wait_for pgrep -s "$pid" -f isa-debug-exit >/dev/null || fail "QEMU was not started"
stop INT
expect_interrupted

stop_at INT record event=hv-start
stop_at INT record event=builder-started
stop_at INT record event=domain-started
stop_at TERM record event=domain-started
stop_at HUP record event=domain-started

new_case "Ctrl-C when the machine is off already"
build <<<"$shortly"
start "$built" --swtpm-pcrs
wait_until "$built/record.log" event=machine-off
stop INT
[ "$status" -le 1 ] || fail "exit status $status"

# Files may stay then, processes may not.
new_case "killed"
build <<<"$forever"
start "$built"
wait_until "$built/record.log" event=domain-started
kill -KILL "$pid"
expect_end 10
expect_status 137
rm -rf "${TMPDIR:?}"/*

new_case "a time limit"
build <<<"$forever"
for limit in 2 20; do # On a busy host QEMU itself may not be there so soon; then it has no registers.
    start "$built" --timeout "$limit"
    expect_end $((limit + 30))
    [ ! -e "$built/registers.txt" ] || break
done
expect_status 1
expect_line 'machine: timeout'
expect_no_file
# One CPU more than the manifest has.
[ "$(grep -c '^RIP=' "$built/registers.txt")" -eq 3 ] || fail "the registers of three CPUs are not there"

# gdb_command TEXT: a packet of the remote protocol, acknowledged; the answer is in $answer.
gdb_command() {
    local sum=0 i
    for ((i = 0; i < ${#1}; ++i)); do
        sum=$(((sum + $(printf %d "'${1:i:1}")) % 256))
    done
    printf '+$%s#%02x' "$1" "$sum" >&3
    IFS= read -r -t 30 -d '#' answer <&3
}

new_case "gdb"
build <<<"$shortly"
port=$((20000 + RANDOM % 10000))
start "$built" --gdb "$port"
connect() {
    { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null
}
wait_for connect || fail "nobody listens for gdb"
gdb_command '?'
grep -q 'T05\|S05' <<<"$answer" || fail "no stopped machine answers: $answer"
[ ! -s "$built/firmware.log" ] || fail "the machine has not waited"
IFS= read -r -t 0.5 -n 2 answer <&3 # the check sum
printf '+$c#63' >&3
expect_end 60
exec 3>&-
expect_status 0
expect_line 'machine: ok'
expect_no_file

finish
