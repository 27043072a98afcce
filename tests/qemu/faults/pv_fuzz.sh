#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hostile PV kernels (tests/guest/pv/pv_fuzz.cpp) beside a PVH and a PV neighbour that check their
# memory and their heartbeat: one machine after the other, each with other seeds, until there were
# SECONDS of hostility. How a hostile kernel ends, or whether it hangs, is its own business; that the
# neighbours and hv notice nothing is not. A failure is repeated by the seed that its line names.
# usage: pv_fuzz.sh GANTRY [SECONDS [SEED [CPUS]]]
. "$(dirname "$0")/../scenario.sh"
seconds=${2:-60}
seed=${3:-1}
first_cpus=${4:-2}             # of the first machine; then 1 and 2 by turns
hostile_seconds=10          # a machine's share; the kernels begin one after the other within it
dangers=(0 0 0 0 1 3 10 50 300)  # one kernel for each: how many of 1000 choices may be its end
machine_seconds=$((hostile_seconds + 5))
time_limit=$((machine_seconds * 4 + 60))
operations=0
cpus=2
# With two CPUs, vCPUs of one hostile kernel spin for each other's locks in hv, and a busy host does
# not run both; a CPU that is lost keeps the machine on beyond its time limit.
gap_limits=(- 5000 20000)

# hostile NUMBER: as a service, so that one that hangs does not keep the machine on.
hostile() {
    local p2m=(identity permuted)
    echo '{"name": "hostile'"$1"'", "type": "pv", "memory": "16M", "vcpus": 2, "expect": "never",
      "kernel": "@pv_fuzz@", "pv": {"p2m": "'"${p2m[$1 % 2]}"'"}, "cmdline": "seed='$((seed + $1))' danger='\
"${dangers[$1]}"' fifo='$(($1 / 2 % 2))' delay_ms='$(($1 * 700))' seconds='$((hostile_seconds - $1 * 7 / 10))'"}'
}

plan() {
    local n domains
    domains='{"name": "pvh", "memory": "32M", "kernel": "@neighbour@",
      "cmdline": "seconds='"$machine_seconds"' max_gap_ms='"${gap_limits[cpus]}"'"},
      {"name": "pv", "type": "pv", "memory": "16M", "kernel": "@pv_neighbour@", "pv": {"p2m": "permuted"},
       "cmdline": "seconds='"$machine_seconds"' max_gap_ms='"${gap_limits[cpus]}"' granted_to=11"}'
    for n in "${!dangers[@]}"; do
        domains+=,$(hostile "$n")
    done
    echo '{"machine": {"memory": "512M", "cpus": 2}, "measurement": "off", "domains": ['"$domains"']}'
}

# The last count that a hostile kernel printed; nothing if it died before.
operations_of() {
    sed -n 's/^.*operations \([0-9]*\) and \([0-9]*\) .*/\1+\2/p' "$built/console/$1.log" 2>/dev/null |
        tail -n 1
}

# How each of them ended; any end that there is will do.
tell_ends() {
    local n domain count end
    local ends='still running|ended by (poweroff|reboot|suspend|crash|watchdog|soft-reset|triple-fault|killed), '
    for n in "${!dangers[@]}"; do
        domain=hostile$n
        count=$(($(operations_of "$domain")+0))
        operations=$((operations + count))
        end=$(sed -n "s/^$domain *//p" "$built.out" | tail -n 1)
        echo "  seed $((seed + n)) danger ${dangers[n]}: $count operations, $end"
        grep -qE "^($ends)" <<<"$end" || fail "$domain: no end that is allowed"
    done
}

# Neighbours end as expected, and only then the machine, by itself. Of an end of hostile kernels the
# record says that it was not expected.
expect_no_harm() {
    local neighbour
    expect_record 'event=machine-off status='
    expect_no_line 'machine: failed'
    expect_no_record 'event=fault'
    for neighbour in pvh pv; do
        expect_pass "$neighbour"
        expect_record "name=$neighbour how=poweroff expected=yes"
    done
}

# One CPU for every other machine: there a CPU that is lost is everybody's.
for ((spent = 0, machines = 0; spent < seconds; spent += hostile_seconds, ++machines)); do
    new_case "seed $seed"
    cpus=$((machines % 2 == 0 ? first_cpus : 3 - first_cpus))
    plan | build
    boot --tpm none --cpus "$cpus"
    cut -c 1-200 <"$built.out" >"$built.cut" && mv "$built.cut" "$built.out"  # what hostile kernels wrote
    echo "seed $seed, $cpus CPUs: $(tail -n 1 "$built.out")"
    tell_ends
    expect_no_harm
    [ "$failures" -eq 0 ] || break
    rm -rf "$built"*
    seed=$((seed + ${#dangers[@]}))
done
# A fuzzer that does nothing proves nothing.
echo "$operations operations in $machines machines"
[ "$operations" -ge $((machines * 1000)) ] || fail "only $operations operations"
finish
