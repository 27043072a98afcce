#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stock Linux kernels use Xenstore with Debian's own tools, as PVH and as PV domains: they see the
# tree with its permissions, write their own part, read what others let them, and one sees the
# other one's end.
# usage: xenstore.sh GANTRY SOURCE_DIR
. "$(dirname "$0")/../scenario.sh"
source_dir=$2

new_case "initrd"
if ! (cd "$source_dir" && images/recipe/fetch-kernel build/cache) >"$built.out" 2>"$built.err"; then
    fail "there is no kernel to boot, and none can be fetched"
    finish
fi
tools=(/usr/bin/xenstore-{chmod,exists,list,ls,read,rm,watch,write})
"$source_dir/images/recipe/make-initrd" --libraries "$(dirname "$0")/xenstore.init" \
    "$work/initrd.cpio" "${tools[@]}" >"$built.out" 2>"$built.err" || fail "no initrd"

# expect_said DOMAIN LINE...: whole lines of a domain's console.
expect_said() {
    local domain=$1 line
    shift
    for line in "$@"; do
        tr -d '\r' <"$built/console/$domain.log" | grep -qxF -- "$line" ||
            fail "domain $domain does not say: $line"
    done
}

# expect_tree DOMAIN LINE...: what `xenstore-ls -fp` shows it.
expect_tree() {
    local domain=$1
    shift
    expect_said "$domain" "$@"
}

for type in pvh pv; do
    new_case "two domains of type $type"
    build <<<'{
      "measurement": "off",
      "xenstore": true,
      "domains": [
        {"name": "dies", "type": "'$type'", "memory": "192M",
         "kernel": "'"$source_dir"'/build/cache/vmlinuz", "initrd": "'"$work"'/initrd.cpio",
         "cmdline": "console=hvc0 role=dies"},
        {"name": "stays", "type": "'$type'", "memory": "192M",
         "kernel": "'"$source_dir"'/build/cache/vmlinuz", "initrd": "'"$work"'/initrd.cpio",
         "cmdline": "console=hvc0 role=stays"}
      ]}'
    boot --tpm none --memory 1G
    expect_ok
    expect_said dies 'NAME dies' 'READ hello 7 ' 'LIST greeting number ' REMOVED \
        "REFUSED another's data" 'REFUSED its own name' SEEN
    expect_tree dies '/local/domain/1/name = "dies"   (n0,r1)' '/local/domain/1/data = ""   (n1)'
    expect_said stays 'FOREIGN hello' 'WATCHED 2' GONE 'ROUNDS 50' 'LEFT 2 3 4 '
done

finish
