# SPDX-License-Identifier: Apache-2.0
# Processes that a boot must not leave behind. Sourced by scripts that have `fail`.
# shellcheck shell=bash

# command_of PID: nothing for one that has ended, and for a zombie, which only waits for init.
command_of() {
    { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null
}

# expect_gone PID...: one that is killed still needs the CPU to end, so they have ten seconds each.
expect_gone() {
    local child
    for child in "$@"; do
        for _ in $(seq 1000); do
            [ -n "$(command_of "$child")" ] || continue 2
            sleep 0.01
        done
        fail "process $child is left: $(command_of "$child")"
        kill -9 "$child"
    done
}
