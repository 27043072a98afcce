#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Checks every ELF file that runs without an operating system: no segment is writable and
# executable, nothing runs before the entry point, nothing is left undefined (so no std::__throw_*
# of a library that is not there). First it makes files that break each rule and must be refused.
# usage: elf.sh SOURCE_DIR LIB_DIR
set -euo pipefail
lib=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What is wrong with one file, or nothing.
faults_of() {
    readelf -lW "$1" | awk '
        $1 == "LOAD" && /RWE/ { print "segment at " $3 " is writable and executable" }
        $1 == "GNU_STACK" && /E +0x/ { print "the stack is executable" }'
    readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' | awk '
        $1 ~ /^\.(ctors|init_array|preinit_array|fini_array|dtors)/ && $5 !~ /^0+$/ {
            print "section " $1 " is not empty"
        }'
    nm -u "$1" 2>/dev/null | sed 's/^ *[Uw] */undefined: /'
}

must_be_refused() {
    if [ -z "$(faults_of "$work/bad")" ]; then
        echo "$1 went unnoticed"
        exit 1
    fi
}

echo '.globl _start; _start: ret' | as --64 -o "$work/good.o" -
ld -N -o "$work/bad" "$work/good.o"
must_be_refused "a writable and executable segment"
printf '.globl _start; _start: ret\n.section .init_array,"aw"; .quad _start\n' |
    as --64 -o "$work/bad.o" -
ld -o "$work/bad" "$work/bad.o"
must_be_refused "a constructor"
echo '.globl _start; _start: call _ZSt17__throw_bad_allocv' | as --64 -o "$work/bad.o" -
ld -r -o "$work/bad" "$work/bad.o"
must_be_refused "an undefined symbol"
ld -z execstack -o "$work/bad" "$work/good.o"
must_be_refused "an executable stack"
ld -o "$work/good" "$work/good.o"
[ -z "$(faults_of "$work/good")" ]

count=0
failed=0
while read -r file; do
    count=$((count + 1))
    faults=$(faults_of "$file")
    if [ -n "$faults" ]; then
        sed "s|^|$file: |" <<<"$faults"
        failed=1
    fi
done < <(find "$lib" -name '*.elf' -o -name '*.elf32')
echo "$count files"
for needed in hv.elf32 domb.elf console.elf launcher.elf xenstore.elf; do
    [ -f "$lib/$needed" ] || { echo "$needed is missing"; failed=1; }
done
exit "$failed"
