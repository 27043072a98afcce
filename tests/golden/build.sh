#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gantry build: the same manifest gives the same bytes, in another directory and over an earlier
# build; what is built is what show says; equal files are one module; mistakes write nothing.
# usage: build.sh GANTRY CORPUS LIBRARY
set -euo pipefail
gantry=$1
corpus=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "$1"
    exit 1
}

# hv.elf32 is only copied: any bytes will do, so that this test needs no hypervisor.
mkdir "$work/lib"
cp "$3/domb.bin" "$3/console.elf" "$3/xenstore.elf" "$3/launcher.elf" "$work/lib"
echo "stands for the hypervisor" >"$work/lib/hv.elf32"
build() { "$gantry" build --lib "$work/lib" "$@"; }

for name in every_field every_compression; do
    build "$corpus/good/$name.json" -o "$work/$name-1"
    build "$corpus/good/$name.json" -o "$work/$name-2"
    diff -r "$work/$name-1" "$work/$name-2" || fail "$name: two builds differ"
done

# A smaller build over a larger one leaves no module behind.
build "$corpus/good/every_field.json" -o "$work/again"
build "$corpus/good/smallest.json" -o "$work/again"
build "$corpus/good/smallest.json" -o "$work/fresh"
diff -r "$work/again" "$work/fresh" || fail "a build over another one differs"

# $schema and the order of keys do not reach the launch.
jq --arg k "$corpus/kernels/good.elf" '.domains[0].kernel = $k' "$corpus/good/smallest.json" \
    >"$work/ordered.json"
jq -S '."$schema" = "other" | .domains[0] |= (to_entries | reverse | from_entries)' \
    "$work/ordered.json" >"$work/sorted.json"
build "$work/ordered.json" -o "$work/ordered"
build "$work/sorted.json" -o "$work/sorted"
cmp "$work/ordered/launch.lcm" "$work/sorted/launch.lcm" || fail "the order of keys is measured"

# All six packings of one kernel are one module, beside the LCM, domB and the console service.
modules=$(jq '.modules | length' "$work/every_compression-1/boot.json")
[ "$modules" = 4 ] || fail "$modules modules: expected one kernel for six packings"

[ "$("$gantry" show --json "$work/every_field-1")" = \
    "$("$gantry" show --json --lib "$work/lib" "$corpus/good/every_field.json")" ] ||
    fail "show differs between manifest and output"

# Devices reach the launch, with what the manifest leaves out.
build "$corpus/good/every_device.json" -o "$work/devices"
"$gantry" show --json "$work/devices" >"$work/devices.json"
[ "$(jq -c '.domains[2] | [.disks[1], .nets[1], (.nets[0].mac | .[:9]), .channels[].backend]' \
    "$work/devices.json")" = '[{"vdev":"xvdb1","backend":"storage","target":"/dev/ram0","mode":"ro"},'"\
"'{"backend":"net","bridge":"br-dmz","mac":"02:00:00:00:00:01"},"00:16:3e:","console","console"]' ] ||
    fail "devices are not those of the manifest: $(jq -c '.domains[2]' "$work/devices.json")"
"$gantry" show --xenstore "$work/devices" >"$work/tree"
grep -qxF '/local/domain/1/backend/vbd/3/51729/physical-device = "1:0"   (n1,r3)' "$work/tree" ||
    fail "the Xenstore tree has no such disk"
[ "$("$gantry" show --json --xenstore "$work/devices" | jq -r '.[] | select(.path != "/") |
    "\(.path) = \"\(.value)\"   (\(.permissions | join(",")))"')" = "$(cat "$work/tree")" ] ||
    fail "the Xenstore tree is another one as JSON"
jq -r '.events[].text' "$work/devices/reference.json" >"$work/texts"
grep -q '^disk xvdb1 ro storage /dev/ram0$' "$work/texts" || fail "a disk is not measured"

# Start order reaches the launch, the measurement and Xenstore, and brings the launcher along.
build "$corpus/good/order.json" -o "$work/order"
"$gantry" show --json "$work/order" >"$work/order.json"
[ "$(jq -c '.domains[1, 2, 3] | [.after, .ready, .["on-failure", "on-crash"]]' "$work/order.json")" = \
    '[["storage"],{"when":"xenstore","path":"data/net/ready","value":"all up","timeout-ms":60000},null,null]
[["storage","net"],{"when":"connected","timeout-ms":1},null,"recovery"]
[["web"],{"when":"console","text":"100% done \\o/","timeout-ms":3600000},"halt",null]' ] ||
    fail "the order is not that of the manifest: $(jq -c .domains "$work/order.json")"
[ "$(jq -r '.domains[7:] | map(.name) | join(" ")' "$work/order.json")" = \
    "console xenstore launcher" ] || fail "the launcher is not the last service"
jq -r '.events[].text' "$work/order/reference.json" >"$work/texts"
for line in 'after storage,net' 'ready serving timeout 120000' 'on-failure recovery' 'start-unmeasured 1' \
    'ready xenstore data/net/ready timeout 60000 value all up' 'roles recovery' 'roles launcher' \
    'ready console timeout 3600000 text 100% done \x5co/'; do
    grep -qxF "$line" "$work/texts" || fail "\"$line\" is not measured"
done
"$gantry" show --xenstore "$work/order" >"$work/tree"
for line in '/local/domain/1/backend/vbd/2/51712/state = "1"   (n1,r2,r10)' \
    '/local/domain/2/data/net/ready = ""   (n2,r10)' '/local/domain/8/matched/4 = ""   (n8,r10)' \
    '/local/domain/7/recovery/reason = ""   (n10,r7)'; do
    grep -qxF "$line" "$work/tree" || fail "the Xenstore tree has no line $line"
done

if build "$corpus/bad/vcpus_zero.json" -o "$work/none" 2>/dev/null || [ -e "$work/none" ]; then
    fail "a bad manifest was built"
fi
status=0
"$gantry" build "$corpus/good/smallest.json" -o "$work/none" --lib "$work" 2>/dev/null || status=$?
[ $status = 2 ] || fail "exit status $status without a library: expected 2"
