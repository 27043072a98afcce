#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stock Linux kernels use Xenstore with Debian's own tools, as PVH and as PV domains: they see the
# tree with its permissions, write their own part, read what others let them, and one sees the
# other one's end. On the way they use Linux's devices for programs of Xen, alone and with each other.
# usage: xenstore.sh GANTRY SOURCE_DIR PROGRAMS_DIR
. "$(dirname "$0")/../scenario.sh"
source_dir=$2
programs=$3

new_case "initrd"
if ! (cd "$source_dir" && images/recipe/fetch-kernel build/cache) >"$built.out" 2>"$built.err"; then
    fail "there is no kernel to boot, and none can be fetched"
    finish
fi
tools=(/usr/bin/xenstore-{chmod,exists,list,ls,read,rm,watch,write})
modules=("$source_dir"/build/cache/modules/xen-{evtchn,gntalloc,gntdev,privcmd}.ko)
"$source_dir/images/recipe/make-initrd" --libraries "$(dirname "$0")/xenstore.init" \
    "$work/initrd.cpio" "${tools[@]}" "${modules[@]}" "$programs/xen_devices" \
    >"$built.out" 2>"$built.err" || fail "no initrd"

# expect_tree DOMAIN: `xenstore-ls -fp` shows it what was compiled of its home, but for what its
# kernel has said since.
expect_tree() {
    local home=/local/domain/$2 said compiled
    said=$(tr -d '\r' <"$built/console/$1.log" | sed -n '/^LS BEGIN$/,/^LS END$/p' | grep "^$home/")
    compiled=$("$gantry" show --xenstore "$built.in/launch.json" | grep "^$home/" |
        sed "s|^\($home/control/feature-[a-z]* = \)\"\"|\1\"1\"|")
    [ "$said" = "$compiled" ] || fail "domain $1 sees another tree: $(
        diff <(echo "$compiled") <(echo "$said"))"
    [ "$(grep -c . <<<"$said")" -gt 30 ] || fail "domain $1 sees too little"
}

# The host's end of domain 2's channels and console, while its machine runs.
talk() {
    timeout 270 python3 "$(dirname "$0")/talk.py" "$1"
}

# The installed QEMU with a CPU that has no random numbers.
mkdir "$work/no-rdrand"
cat >"$work/no-rdrand/qemu-system-x86_64" <<EOF
#!/bin/bash
exec $(command -v qemu-system-x86_64) "\${@/#max/max,-rdrand}"
EOF
chmod +x "$work/no-rdrand/qemu-system-x86_64"
no_random='xenstore: the CPU has no random numbers'

for type in pvh pv; do
    # Once with all of it on one CPU: who answers and who asks take turns.
    [ $type = pvh ] && cpus=2 || cpus=1
    new_case "two domains of type $type, CPUs: $cpus"
    # A PV kernel makes its bounce buffers contiguous by XENMEM_exchange, or goes without them.
    [ $type = pvh ] && buffers= || buffers=' iommu=soft swiotlb=4096'
    build <<<'{
      "measurement": "off",
      "xenstore": true,
      "domains": [
        {"name": "dies", "type": "'$type'", "memory": "192M",
         "kernel": "'"$source_dir"'/build/cache/vmlinuz", "initrd": "'"$work"'/initrd.cpio",
         "cmdline": "console=hvc0 quiet role=dies"},
        {"name": "stays", "type": "'$type'", "memory": "192M",
         "kernel": "'"$source_dir"'/build/cache/vmlinuz", "initrd": "'"$work"'/initrd.cpio",
         "cmdline": "console=hvc0 quiet role=stays'"$buffers"'",
         "channels": [{"name": "agent"}, {"name": "log", "connection": "socket"}]}
      ]}'
    talk "$built" >"$work/talk.log" 2>&1 &
    if [ $type = pvh ] || [ -n "${SCENARIO_QEMU:-}" ]; then
        boot --tpm none --memory 1G --cpus "$cpus" --ptys
        expect_no_line "$no_random"
    else
        PATH=$work/no-rdrand:$PATH boot --tpm none --memory 1G --cpus "$cpus" --ptys
        expect_line "$no_random"
    fi
    wait $!
    [ "$(cat "$work/talk.log")" = 'agent: heard through the terminal
log: heard through the socket' ] || fail "the host hears: $(cat "$work/talk.log")"
    expect_said stays 'CONSOLE typed'
    grep -qF 'heard through the socket' "$built/channels/stays/log.log" || fail "no log of a channel"
    expect_ok
    expect_said dies 'NAME dies' 'READ hello 7 ' 'LIST greeting number ' REMOVED \
        "REFUSED another's data" 'REFUSED its own name' SEEN
    expect_said dies 'xen_devices: alone: ok' 'xen_devices: offer: ok'
    expect_said stays 'xen_devices: alone: ok' 'xen_devices: use: ok'
    [ $type = pvh ] || expect_said stays 'CONTIGUOUS 8MB'
    expect_tree dies 1
    # Another's home ends it, as anything unreadable does on Xen.
    expect_said dies 'xenstore-ls: xs_directory (/local/domain/2): Permission denied'
    expect_said stays 'FOREIGN hello' 'WATCHED 2' GONE 'ROUNDS 50' 'LEFT 2 3 4 '
done

new_case "a domain that is refused"
build --unexamined <<<'{
  "measurement": "off",
  "xenstore": true,
  "domains": [
    {"name": "refused", "memory": "16M",
     "kernel": "'"$source_dir"'/tests/corpus/manifest/kernels/no-note.elf"},
    {"name": "linux", "memory": "192M",
     "kernel": "'"$source_dir"'/build/cache/vmlinuz", "initrd": "'"$work"'/initrd.cpio",
     "cmdline": "console=hvc0 quiet role=lists"}
  ]}'
boot --tpm none --memory 1G
expect_record 'domid=1 outcome=refused'
expect_said linux 'THERE 2 3 4 '

# Clients that keep to no rule or want everything, beside one that must not notice; then the rude one is
# polite. And beside them pages that two domains share with two others; one of each pair dies; and two PV
# kernels that are not Linux find each other as the ends of a disk.
new_case "clients and grants that are no good"
build <<<'{
  "machine": {"memory": "320M", "cpus": 2}, "measurement": "off", "xenstore": true,
  "domains": [
    {"name": "neighbour", "memory": "16M", "kernel": "@xenstore_ring@", "cmdline": "seconds=8"},
    {"name": "bad", "memory": "16M", "kernel": "@xenstore_ring@", "cmdline": "rude=1 seconds=4 max_gap_ms=20000"},
    {"name": "greedy", "memory": "16M", "kernel": "@xenstore_greedy@"},
    {"name": "owner", "domid": 11, "memory": "16M", "kernel": "@grants_in_use@",
     "cmdline": "users='$((13 * 256 + 14))'"},
    {"name": "owner-dies", "domid": 12, "memory": "16M", "kernel": "@grants_in_use@",
     "cmdline": "users='$((13 * 256 + 14))' crash_ms=500", "expect": "crash"},
    {"name": "user", "domid": 13, "memory": "16M", "kernel": "@grants_in_use@",
     "cmdline": "owners='$((11 * 256 + 12))' number=0"},
    {"name": "user-dies", "domid": 14, "memory": "16M", "kernel": "@grants_in_use@",
     "cmdline": "owners='$((11 * 256 + 12))' number=1 crash_ms=500", "expect": "crash"},
    {"name": "pv-front", "type": "pv", "memory": "16M", "kernel": "@pv_devices@", "pv": {"p2m": "permuted"},
     "disks": [{"vdev": "xvda", "backend": "pv-back", "target": "/disk"}],
     "nets": [{"backend": "pv-back", "bridge": "br0", "mac": "00:16:3e:00:00:07"}]},
    {"name": "pv-back", "type": "pv", "memory": "16M", "kernel": "@pv_devices@", "cmdline": "back"}
  ]}'
boot --tpm none
expect_ok
for domain in neighbour bad greedy owner user pv-front pv-back; do
    expect_pass "$domain"
done

# Another domain has the role, and ends: the others go on without Xenstore, for 2 seconds after that.
new_case "a Xenstore that crashes"
build <<<'{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "off",
  "domains": [
    {"name": "neighbour", "memory": "32M", "kernel": "@neighbour@", "cmdline": "seconds=2 max_gap_ms=4000 outlives=2"},
    {"name": "store", "memory": "16M", "kernel": "@crash@", "cmdline": "how=0", "roles": ["xenstore"]}
  ]}'
boot --tpm none
expect_status 1
expect_line 'machine: unexpected'
expect_record 'name=store how=crash expected=no'
expect_pass neighbour

# The service and its tree are domain and initrd like any other.
new_case "measured"
build <<<'{
  "xenstore": true,
  "domains": [
    {"name": "attest", "memory": "16M", "kernel": "@evidence@", "roles": ["tpm"]},
    {"name": "web", "memory": "16M", "kernel": "@hello@"}
  ]}'
boot --memory 512M
expect_ok
verify
expect_matches
mkdir "$work/other"
sed 's/"web"/"wab"/' "$built.in/launch.json" >"$work/other/launch.json"
"$gantry" build "$work/other/launch.json" -o "$work/other/out" >"$built.out" 2>"$built.err" ||
    fail "gantry build ends with $?"
verify "$work/other/out/reference.json"
[ "$status" -eq 1 ] || fail "another tree is not noticed"
expect_line 'domain "xenstore": initrd: expected sha256 '

finish
