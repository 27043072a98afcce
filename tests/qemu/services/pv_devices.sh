#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two stock driver domains serve disks and interfaces to three stock domains, one of them PV: each
# reads and writes its disk, and all reach each other. Nobody but the manifest says who serves whom.
# usage: pv_devices.sh GANTRY SOURCE_DIR
. "$(dirname "$0")/../scenario.sh"
source_dir=$2
time_limit=180
new_case "two driver domains, three domains that use them"
cache=$source_dir/build/cache
if ! "$source_dir/images/recipe/fetch-kernel" "$cache" >"$built.out" 2>"$built.err"; then
    fail "no kernel"
    finish
fi
"$source_dir/images/recipe/make-initrd" "$(dirname "$0")/pv_devices.init" "$work/initrd.cpio" \
    "$cache"/modules/{brd,xen-blkback,xen-blkfront,llc,stp,bridge,xen-netback,xen-netfront}.ko \
    >"$built.out" 2>"$built.err" || fail "no initrd"

# domain NAME ARGUMENTS [FIELDS]: one of the manifest's. The kernel is told to be quiet: its messages would
# come in the middle of lines that are looked for.
domain() {
    printf '{"name": "%s", "memory": "160M", "kernel": "%s", "initrd": "%s", "cmdline": "%s"%s}' \
        "$1" "$cache/vmlinuz" "$work/initrd.cpio" "console=hvc0 loglevel=3 $2" "${3:+, $3}"
}
nets='"nets": [{"backend": "net"}]'
build <<EOD
{"measurement": "off", "domains": [
    $(domain storage role=storage '"expect": "never"'),
    $(domain net role=net '"expect": "never"'),
    $(domain app1 'role=app address=1 peers=2,3' \
        '"disks": [{"vdev": "xvda", "backend": "storage", "target": "/dev/ram0", "mode": "ro"}],
         "nets": [{"backend": "net", "mac": "00:16:3e:12:34:56"}]'),
    $(domain app2 'role=app address=2 peers=1,3' \
        '"type": "pv", "disks": [{"vdev": "xvda", "backend": "storage", "target": "/dev/ram1"}],
         '"$nets"),
    $(domain app3 'role=app address=3 peers=1,2' \
        '"disks": [{"vdev": "xvda", "backend": "storage", "target": "/dev/ram2"}], '"$nets")
]}
EOD
boot --tpm none --memory 1536M
expect_ok

# expect_said DOMAIN LINE...: whole lines of a domain's console.
expect_said() {
    local domain=$1 line
    shift
    for line in "$@"; do
        tr -d '\r' <"$built/console/$domain.log" | grep -qxF -- "$line" ||
            fail "domain $domain does not say: $line"
    done
}
expect_said app1 'FOUND written by storage' 'READ ONLY' 'MAC 00:16:3e:12:34:56' \
    'REACHED 2' 'REACHED 3'
expect_said app2 'WROTE written by 2' 'REACHED 1' 'REACHED 3'
expect_said app3 'WROTE written by 3' 'REACHED 1' 'REACHED 2'
finish
