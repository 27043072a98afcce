#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the loader delivers is not what was built, or the machine is not what the plan needs: a clear
# message with the domain and its place in the manifest, and nothing runs that must not; the other
# domains do, and the evidence says which one did not.
# usage: modules.sh GANTRY
. "$(dirname "$0")/../scenario.sh"

printf 'initrd of a test' >"$work/initrd"
launch='{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "required",
  "domains": [
    {"name": "attest", "memory": "16M", "kernel": "@evidence@", "roles": ["tpm"]},
    {"name": "web", "memory": "16M", "kernel": "@hello@", "initrd": "'$work/initrd'"}
  ]}'
launch_with_digest=$(jq --arg sum "$(sha256sum "$work/initrd" | cut -c -64)" \
    '.domains[1].initrd = {"file": .domains[1].initrd, "sha256": $sum}' <<<"$launch")

# With the console service as a domain of its own, so that the initrd is the last module.
launch_with_console=$(jq --arg file "$library/console.elf" '.domains |= [
    {"name": "console", "memory": "16M", "kernel": $file, "roles": ["console"], "expect": "never"}
    ] + .' <<<"$launch")

# edit_modules FILTER: changes the list of modules in boot.json.
edit_modules() {
    jq ".modules |= $1" "$built/boot.json" >"$built/boot.json.new"
    mv "$built/boot.json.new" "$built/boot.json"
}

# expect_refused REASON PLACE: only the domain web is refused; the others run and are measured.
expect_refused() {
    expect_status 1
    expect_line 'machine: unexpected'
    expect_line "domain \"web\" ($2) is refused: $1"
    expect_record "outcome=refused reason=$1 path=$2"
    expect_line "web        refused: $1 ($2 of the manifest)"
    expect_line 'attest     ended by poweroff, as expected'
    expect_no_record "event=domain-started domid=${web_id:-2} "
    expect_pass attest
    verify
    expect_differs 'domain "attest": matches' "domain \"web\": refused: expected a domain that may run, found $1"
}

new_case "an initrd is missing"
build <<<"$launch_with_console"
edit_modules '.[:-1]'
boot
expect_line 'domain web (/domains/2): initrd: boot module 5 is missing: the loader delivered 5'
web_id=3 expect_refused module-missing /domains/2/initrd

new_case "the launch control module alone"
build <<<"$launch"
edit_modules '.[:1]'
boot
expect_nothing_started
expect_line 'builder: domb: boot module 1 is missing: the loader delivered 1'

new_case "all modules are missing"
build <<<"$launch"
edit_modules '[]'
boot
expect_nothing_started
expect_line 'no launch control module: the loader delivered no boot modules'

new_case "two modules have changed places"
build <<<"$launch"
edit_modules '[.[0], .[1], .[3], .[2]] + .[4:]'
boot
expect_status 1
expect_line 'machine: unexpected'
expect_line 'domain attest (/domains/0): evidence.elf: boot module 2 has'
expect_line 'domain "attest" (/domains/0/kernel) is refused: module-size-differs'
expect_line 'domain "web" (/domains/1/kernel) is refused: module-size-differs'
expect_no_record 'event=domain-started domid=1 '
expect_no_record 'event=domain-started domid=2 '

new_case "an initrd is one byte short"
build <<<"$launch"
truncate -s -1 "$built"/modules/*-initrd
boot
expect_line 'domain web (/domains/1): initrd: boot module 4 has 15 bytes, expected 16'
expect_refused module-size-differs /domains/1/initrd

new_case "an initrd is one byte longer"
build <<<"$launch"
printf x >>"$(echo "$built"/modules/*-initrd)"
boot
expect_line 'domain web (/domains/1): initrd: boot module 4 has 17 bytes, expected 16'
expect_refused module-size-differs /domains/1/initrd

new_case "a kernel is empty"
build <<<"$launch"
truncate -s 0 "$built"/modules/*-hello.elf
boot
expect_line 'domain web (/domains/1): hello.elf: boot module 3 has 0 bytes, expected '
expect_refused module-size-differs /domains/1/kernel

new_case "an initrd has another digest than expected"
build <<<"$launch_with_digest"
printf 'iniTrd of a test' >"$(echo "$built"/modules/*-initrd)"
boot
expect_refused expected-digest-differs /domains/1/initrd

new_case "a kernel that is no ELF"
cp "$guests/hello.elf" "$work/kernel"
printf X | dd of="$work/kernel" conv=notrunc status=none
jq --arg file "$work/kernel" '.domains[1].kernel = $file' <<<"$launch" | build --unexamined
boot
expect_refused not-an-x86-64-elf /domains/1/kernel

new_case "a kernel without PVH note"
objcopy --remove-section=.note* "$guests/hello.elf" "$work/kernel" 2>/dev/null
sed -i 's/Xen\x00/Xon\x00/' "$work/kernel"
jq --arg file "$work/kernel" '.domains[1].kernel = $file' <<<"$launch" | build --unexamined
boot
expect_refused no-pvh-note /domains/1/kernel

# move_segment FILE GPADDR: where the last segment of an ELF file wants to be (p_paddr).
move_segment() {
    local last byte at
    last=$(readelf -lW "$1" | grep -E '^  (LOAD|NOTE)' | grep -n LOAD | tail -n 1 | cut -d : -f 1)
    at=$((64 + 56 * (last - 1) + 24))
    for byte in 0 8 16 24; do
        # shellcheck disable=SC2059  # the format is the byte
        printf "\\x$(printf %x $(($2 >> byte & 255)))"
    done | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
    grep -q "^  LOAD .* $(printf 0x%016x "$2") " <(readelf -lW "$1") || fail "no segment was moved"
}

# moved GPADDR: boots with a kernel one of whose segments wants to be there.
moved() {
    cp "$guests/hello.elf" "$work/kernel"
    move_segment "$work/kernel" "$1"
    jq --arg file "$work/kernel" '.domains[1].kernel = $file' <<<"$launch" | build --unexamined
    boot
}
new_case "a kernel with a segment where no domain has RAM"
moved 0xd0000000
expect_refused segment-outside-ram /domains/1/kernel

new_case "a kernel with a segment over the ACPI tables"
moved 0xe0000
expect_refused segment-outside-ram /domains/1/kernel

new_case "a kernel with a segment beyond the RAM of its domain"
moved 0x1000000
expect_refused too-little-memory /domains/1/memory

new_case "a domain too small for kernel and initrd"
head -c 5M /dev/zero >"$work/large"
jq --arg file "$work/large" '.domains[1] += {"memory": "4M", "initrd": $file}' <<<"$launch" |
    build --unexamined
boot
expect_refused too-little-memory /domains/1/memory

new_case "a machine too small for a domain"
build <<<"$launch"
boot --memory 28M
expect_nothing_started
expect_line 'domain web (/domains/1): not enough memory: needs 16 MiB and its overhead, free are '

new_case "a machine too small for the builder"
build <<<"$launch"
boot --memory 46M
expect_nothing_started
expect_line 'domain builder (domB): not enough memory: needs '

finish
