#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Checks the project's own include lines against the dependency rule of ARCHITECTURE.md.
# usage: layering.sh SOURCE_DIR
set -euo pipefail
cd "$1"

# folder: the folders it may include from, besides itself. The longest matching folder decides; a
# folder that no line covers is an error, so that a new one gets its place here first. A single
# header may stand for the part of a later folder that objects of an earlier one embed.
rules='
hv/base:
hv/abi: hv/base
launch-config/fdt: hv/base hv/abi
launch-config/binding: hv/base hv/abi launch-config/fdt
measure/sha: hv/base
measure/tcg: hv/base hv/abi measure/sha launch-config/binding
measure/tpm: hv/base hv/abi measure/tcg
@formats = hv/base hv/abi launch-config/fdt launch-config/binding measure/tcg measure/tpm

# direct_map.hpp turns a physical address into a pointer, log.hpp writes a line, clock.hpp tells the
# time: they lean on nothing, and everything in hv needs them.
@leaves = hv/mm/direct_map.hpp hv/dev/log.hpp hv/dev/clock.hpp
hv/x86: @formats @leaves
hv/dev: @formats @leaves hv/x86
hv/svm: @formats @leaves hv/x86
hv/mm: @formats @leaves hv/x86 hv/svm
# A vCPU embeds what the scheduler keeps of it, and ends or starts through sched.hpp.
hv/domain: @formats @leaves hv/x86 hv/svm hv/mm hv/sched/entity.hpp hv/sched/sched.hpp
hv/event: @formats @leaves hv/x86 hv/svm hv/mm hv/domain hv/sched
hv/grant: @formats @leaves hv/x86 hv/svm hv/mm hv/domain
hv/sched: @formats @leaves hv/x86 hv/svm hv/mm hv/domain
hv/hvm: @formats @leaves hv/x86 hv/svm hv/mm hv/domain hv/event hv/grant hv/sched
hv/pv: @formats @leaves hv/x86 hv/svm hv/mm hv/domain hv/event hv/grant hv/sched hv/hvm
hv/hypercall: @formats hv/x86 hv/svm hv/mm hv/domain hv/event hv/grant hv/sched hv/hvm hv/pv hv/dev hv/launch/launch_op.hpp hv/launch/order.hpp
# What boot found out about the machine is data that the launch takes.
hv/launch: @formats hv/x86 hv/svm hv/mm hv/domain hv/event hv/grant hv/sched hv/hvm hv/pv hv/dev hv/boot/machine.hpp hv/boot/boot_info.hpp
hv/run: @formats hv/x86 hv/svm hv/mm hv/domain hv/event hv/grant hv/sched hv/hvm hv/pv hv/dev hv/hypercall hv/launch
hv/boot: @formats hv

domb/rt: hv/base hv/abi
domb: @formats domb/rt
# builder_crash is domB up to where it dies; steps asks Xenstore as services do.
tests/guest: hv/base hv/abi domb/rt domb/builder/tpm_events.hpp domb/services/xenstore_client measure/tcg measure/tpm
tests/linux:

@host = hv/base hv/abi launch-config measure
launch-config: hv/base hv/abi
measure: hv/base hv/abi launch-config
images: @host
gantry: @host images
tests/unit: hv domb launch-config measure images gantry tests
tests/fuzz: hv domb launch-config measure images gantry tests
tests/fake: hv launch-config measure
tests/qemu: @host images
tests/bench: @host images domb tests
'

find hv domb launch-config measure images gantry tests \
    \( -name '*.cpp' -o -name '*.hpp' -o -name '*.S' \) -print0 |
    xargs -0 grep -nH '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
    awk -v rules="$rules" '
    function parent(path) { return sub(/\/[^\/]*$/, "", path) ? path : "" }
    BEGIN {
        n = split(rules, lines, "\n")
        for (i = 1; i <= n; ++i) {
            if (lines[i] ~ /^#/) {
                continue
            }
            if (match(lines[i], /^@[a-z]+ = /)) {
                split(lines[i], halves, " = ")
                sets[halves[1]] = halves[2]
            } else if (match(lines[i], /^[^:]+:/)) {
                folder = substr(lines[i], 1, RLENGTH - 1)
                allowed[folder] = folder " " substr(lines[i], RLENGTH + 1)
            }
        }
        for (folder in allowed) {
            for (set in sets) {
                gsub(set, sets[set], allowed[folder])
            }
        }
    }
    {
        split($0, at, ":")
        match($0, /"[^"]*"/)
        target = substr($0, RSTART + 1, RLENGTH - 2)
        folder = at[1]
        do { folder = parent(folder) } while (folder != "" && !(folder in allowed))
        if (folder == "") {
            print at[1] ":" at[2] ": no layering rule covers this folder: add it to layering.sh"
            bad = 1
            next
        }
        count = split(allowed[folder], may, " ")
        for (i = 1; i <= count; ++i) {
            if (target == may[i] || index(target, may[i] "/") == 1) { ++checked; next }
        }
        print at[1] ":" at[2] ": \"" target "\" may not be included from " folder ": expected" \
            " a header below one of: " allowed[folder]
        bad = 1
    }
    END {
        if (checked < 10) { print "only " checked + 0 " include lines found"; bad = 1 }
        exit bad
    }'
