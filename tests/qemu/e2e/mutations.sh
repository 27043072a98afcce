#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One thing is changed, the launch is booted, and its evidence is held against the reference values
# of what was meant: the verdict must be `differs` and name that thing. Changes that mean nothing
# must still match.
# usage: mutations.sh GANTRY
. "$(dirname "$0")/../scenario.sh"

cp "$guests/hello.elf" "$work/kernel"
printf 'initrd of a test' >"$work/initrd"
meant='{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "required",
  "domains": [
    {"name": "attest", "memory": "16M", "kernel": "@evidence@", "roles": ["tpm"]},
    {"name": "other", "memory": "16M", "kernel": "@evidence@", "initrd": "'$work/initrd'"},
    {"name": "third", "memory": "16M", "kernel": "'$work/kernel'"}
  ]}'
new_case "what was meant"
build <<<"$meant"
reference=$built/reference.json
good=$built
boot
verify
expect_matches

# changed NAME FILTER LINE...: the manifest after jq's FILTER differs, and each LINE says where.
changed() {
    new_case "$1"
    jq "$2" <<<"$meant" | build
    boot
    verify "$reference"
    expect_differs "${@:3}"
}

# unchanged NAME FILTER
unchanged() {
    new_case "$1"
    jq "$2" <<<"$meant" | build
    boot
    verify "$reference"
    expect_matches
}

# others_match NAME...: the change is not blamed on these domains.
others_match() {
    local domain
    for domain in "$@"; do
        expect_line "domain \"$domain\": matches"
    done
}

# of_other FIELD FILTER EXPECTED FOUND [PLACE]: a field of the second domain and nothing else.
of_other() {
    changed "$1 of a domain" ".domains[1]$2" \
        "domain \"other\": $1: /domains/1/${5:-$1}: expected $3, found $4"
    others_match attest third console
}
of_other domain '.name = "mother"' other mother name
of_other vcpus '.vcpus = 2' 1 2
of_other memory '.memory = "17M"' 16777216 17825792
of_other memory-max '.memory = {"initial": "16M", "max": "20M"}' 16777216 20971520 memory
of_other cmdline '.cmdline = "x"' "" x
of_other expect '.expect = "crash"' poweroff crash
of_other cpuid-x2apic '.cpuid.x2apic = false' 1 0 cpuid/x2apic
of_other cpuid-xsave '.cpuid.xsave = false' 1 0 cpuid/xsave
changed "a domain without its initrd" 'del(.domains[1].initrd)' \
    'domain "other": initrd: /domains/1/initrd: expected'
others_match attest third console
changed "uuid of a domain" '.domains[1].uuid = "01234567-89ab-cdef-0123-456789abcdef"' \
    'domain "other": uuid: /domains/1/uuid: expected '
others_match attest third console
# The ids of those behind it move up.
changed "domid of a domain" '.domains[1].domid = 9' \
    'domain "other": domid: /domains/1/domid: expected 2, found 9' \
    'domain "third": domid: /domains/2/domid: expected 3, found 2'
others_match attest

changed "the role tpm" '.domains[0].roles = [] | .domains[1].roles = ["tpm"]' \
    'domain "attest": roles: /domains/0/roles: expected tpm, found none' \
    'domain "other": roles: /domains/1/roles: expected none, found tpm'
others_match third console
changed "an expected digest" \
    ".domains[1].initrd = {\"file\": .domains[1].initrd,
                           \"sha256\": \"$(sha256sum "$work/initrd" | cut -c -64)\"}" \
    'domain "other": initrd-expected: /domains/1/initrd/sha256: expected any, found sha256:'
changed "one domain less" 'del(.domains[2])' 'domain "third": configuration: /domains/2: expected'
changed "one domain more" '.domains[3] = (.domains[2] | .name = "fourth")' "launch: record"
changed "the order of domains" '.domains |= [.[0], .[2], .[1]]' 'domain "other"' 'domain "third"'
changed "the measurement policy" '.measurement = "preferred"' \
    'launch: measurement: /measurement: expected required, found preferred'
changed "the PCR of texts" '.pcrs.text = 11' 'launch: pcr-text: /pcrs/text: expected 12, found 11'
changed "the PCR of blobs" '.pcrs.blobs = 14' 'launch: pcr-blobs: /pcrs/blobs: expected 13, found 14'
changed "the mirror PCR" '.pcrs.mirror = 22' \
    'launch: pcr-mirror: /pcrs/mirror: expected 21, found 22'
changed "the hypervisor's command line" '.hypervisor.cmdline = "x"' \
    'launch: cmdline: /hypervisor/cmdline: expected , found x'

# One boot for all of start order: only its reference values are those of what was meant.
new_case "what was meant to start in order"
ordered=$(jq '.domains[2] += {"after": ["other"], "ready": {"when": "console", "text": "hello"},
                              "on-failure": "halt", "on-crash": "halt"}' <<<"$meant")
build <<<"$ordered"
ordered_reference=$built/reference.json
new_case "another order"
jq '.domains[2] |= (.after = ["other", "attest"] | .ready.timeout = "1m" | .ready.text = "hallo" |
                    del(.["on-failure", "on-crash"]))' <<<"$ordered" | build
boot
verify "$ordered_reference"
expect_differs 'domain "third": after: /domains/2/after: expected other, found other,attest' \
    'domain "third": ready: /domains/2/ready: expected console timeout 60000 text hello, found console timeout 60000 text hallo' \
    'domain "third": on-failure: /domains/2/on-failure: expected halt, found nothing' \
    'domain "third": on-crash: /domains/2/on-crash: expected halt, found nothing'
others_match attest other console launcher

# flip FILE: changes one bit in its middle.
flip() {
    local at=$(($(stat -c %s "$1") / 2)) byte
    byte=$(od -An -tu1 -j "$at" -N 1 "$1")
    # shellcheck disable=SC2059  # the format is the byte
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

# delivered NAME MODULE LINE...: the loader delivers another byte than was built.
delivered() {
    new_case "$1"
    cp -r "$good" "$built"
    flip "$(echo "$built"/modules/$2)"
    boot
    verify "$reference"
    expect_differs "${@:3}"
}
delivered "one bit of an initrd" '*-initrd' 'domain "other": initrd: /domains/1/initrd: expected'
others_match attest third console

# Whether that kernel still runs is its own affair: what was measured is what differs.
delivered "one bit of a kernel" '*-kernel' 'domain "third": kernel: /domains/2/kernel: expected'
others_match attest other console

cp "$work/kernel" "$work/kernel.good"
sed -i 's/hello, my/hellO, my/' "$work/kernel"
changed "one byte of a kernel file" . \
    'domain "third": kernel: /domains/2/kernel: expected sha256'
others_match attest other console
cp "$work/kernel.good" "$work/kernel"

unchanged "a schema" '.["$schema"] = "launch.schema.json"'
unchanged "the order of keys" 'walk(if type == "object" then to_entries | reverse | from_entries else . end)'
unchanged "the machine's memory" '.machine.memory = "300M"'
unchanged "one size of memory, written as two" '.domains[1].memory = {"initial": "16M", "max": "16M"}'
unchanged "defaults that are written out" '.domains[1] += {"vcpus": 1, "expect": "poweroff", "cmdline": ""}'
finish
