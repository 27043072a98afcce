#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The example with a driver domain: four stock Linux kernels, one of which serves disks and interfaces to
# the others, one of them PV. Each reads and writes its disk, all reach each other, and the evidence
# matches. Nobody but the manifest says who serves whom.
# usage: driver_domain.sh GANTRY SOURCE_DIR
. "$(dirname "$0")/../scenario.sh"
source_dir=$2

new_case "a driver domain and three that use it"
if ! "$source_dir/images/recipe/driver-domain" "$source_dir" >"$built.out" 2>"$built.err"; then
    fail "there is no kernel to boot, and none can be fetched"
    finish
fi
"$gantry" build "$source_dir/examples/driver-domain/launch.json" -o "$built" >"$built.out" \
    2>"$built.err" || fail "gantry build"
boot --memory 1536M
expect_ok
for domain in attest classic worker; do
    expect_record "name=$domain after=driver"
done
expect_record 'event=domain-ready domid=1 name=driver when=serving'
expect_no_record 'event=domain-failed'

# expect_lines DOMAIN TEXT...: the lines `gantry-example: DOMAIN TEXT`.
expect_lines() {
    local domain=$1
    shift
    expect_said "$domain" "${@/#/gantry-example: $domain }"
}
expect_lines driver 'serves vbd-2-51712' 'serves vbd-3-51712' 'serves vbd-4-51712' \
    'serves vbd-4-51728' 'serves vif-2-0' 'serves vif-3-0' 'serves vif-4-0'
expect_lines attest 'finds on xvda: disk 1 of the driver domain' \
    'reads back from xvda: written by attest' 'pings 2' 'pings 3' \
    'reads from 2: page of classic' 'reads from 3: page of worker' 'is done'
expect_lines classic 'finds on xvda: disk 2 of the driver domain' \
    'reads back from xvda: written by classic' 'pings 1' 'pings 3' \
    'reads from 1: page of attest' 'reads from 3: page of worker' 'is done'
expect_lines worker 'finds on xvda: disk 3 of the driver domain' \
    'reads back from xvda: written by worker' 'finds on xvdb: disk 0 of the driver domain' \
    'may not write to xvdb' 'has the interface 00:16:3e:12:34:56' 'pings 1' 'pings 2' \
    'reads from 1: page of attest' 'reads from 2: page of classic' 'is done'
expect_line 'driver     still running'
verify
expect_matches

# tell_when_connected: the host tells the driver domain to crash once its disk is known to be connected.
tell_when_connected() {
    until grep -qsF 'event=domain-ready domid=2 ' "$built/record.log"; do
        sleep 0.1
    done
    echo crash >"$(readlink "$built/console/driver.pty")"
}

# What it is for is over; the manifest says what follows.
new_case "the driver domain crashes"
"$source_dir/images/recipe/make-initrd" --libraries "$(dirname "$0")/driver_crash.init" \
    "$work/crash.cpio" "$source_dir"/build/cache/modules/{brd,xen-blkback,xen-blkfront}.ko \
    /usr/bin/xenstore-exists >"$built.out" 2>"$built.err" || fail "no initrd"
build <<<'{
  "machine": {"memory": "768M", "cpus": 2}, "measurement": "off",
  "domains": [
    {"name": "driver", "memory": "160M", "kernel": "'"$source_dir"'/build/cache/vmlinuz",
     "initrd": "'"$work"'/crash.cpio", "cmdline": "console=hvc0 loglevel=3 role=driver",
     "expect": "never", "ready": {"when": "serving", "timeout": "120s"}, "on-crash": "recovery"},
    {"name": "application", "memory": "160M", "kernel": "'"$source_dir"'/build/cache/vmlinuz",
     "initrd": "'"$work"'/crash.cpio", "cmdline": "console=hvc0 loglevel=3 role=application",
     "disks": [{"vdev": "xvda", "backend": "driver", "target": "/dev/ram0"}],
     "after": ["driver"], "ready": {"when": "connected", "timeout": "120s"}},
    {"name": "rescue", "memory": "16M", "kernel": "@steps@", "cmdline": "reason=1",
     "roles": ["recovery"]}
  ]}'
tell_when_connected &
teller=$!
boot --tpm none --ptys
kill "$teller" 2>/dev/null
expect_status 1
expect_line 'machine: unexpected'
expect_record 'event=domain-ready domid=1 name=driver when=serving'
expect_record 'event=domain-ready domid=2 name=application when=connected'
expect_record 'domid=1 name=driver how=crash expected=no'
expect_reason rescue 'domain "driver" (/domains/0): ended by crash'
expect_said application 'application finds: disk of the driver domain' 'application goes on'
finish
