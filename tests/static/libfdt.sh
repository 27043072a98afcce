#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The libfdt functions that launch-config/fdt/tree.cpp calls, and all they call, use neither the
# stack canary at %fs:0x28 nor vector registers: hv and domB own neither.
# usage: libfdt.sh SOURCE_DIR LIBFDT_ARCHIVE
set -euo pipefail
wanted=$(grep -oE '\bfdt_(next_tag|get_[a-z_]+|check_[a-z_]+|[a-z]+)\(' "$1/launch-config/fdt/tree.cpp" |
    tr -d '(' | sort -u)
objdump --no-show-raw-insn -dr "$2" | awk -v wanted="$wanted" '
    /^[0-9a-f]+ <[^>]+>:$/ { f = $2; gsub(/[<>:]/, "", f); known[f] = 1 }
    /R_X86_64_(PLT32|PC32|GOTPCREL)/ { t = $3; sub(/[-+]0x[0-9a-f]+$/, "", t); calls[f] = calls[f] " " t }
    # A jump or call inside the same object needs no relocation: the disassembly names its target.
    match($0, /(call|jmp) +[0-9a-f]+ <[^>+]+>/) {
        t = $0; sub(/.*</, "", t); sub(/>.*/, "", t); calls[f] = calls[f] " " t
    }
    /%fs:|%[xyz]mm/ { bad[f] = $0 }
    END {
        n = split(wanted, queue, "\n")
        for (i = 1; i <= n; ++i) {
            f = queue[i]
            if (seen[f]++ || !(f in known)) continue
            ++visited
            if (f in bad) { print f ": uses what is not ours:" bad[f]; failed = 1 }
            m = split(calls[f], next_ones, " ")
            for (j = 1; j <= m; ++j) queue[++n] = next_ones[j]
        }
        if (visited < 6) { print "only " visited + 0 " functions of libfdt found"; failed = 1 }
        exit failed
    }'
