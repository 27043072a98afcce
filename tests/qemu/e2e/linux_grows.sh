#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A stock Linux kernel whose maximum is above its initial memory: its balloon driver takes the rest.
# It plugs the memory in, which needs memhp_default_state=online or somebody in user space.
# usage: linux_grows.sh GANTRY SOURCE_DIR
. "$(dirname "$0")/../scenario.sh"
source_dir=$2

new_case "Linux that grows"
if ! (cd "$source_dir" && images/recipe/fetch-kernel build/cache) >"$built.out" 2>"$built.err"; then
    fail "there is no kernel to boot, and none can be fetched"
    finish
fi
"$source_dir/images/recipe/make-initrd" "$(dirname "$0")/linux_grows.init" "$work/initrd.cpio"
build <<<'{
  "measurement": "off",
  "domains": [
    {"name": "linux", "memory": {"initial": "192M", "max": "256M"},
     "kernel": "'"$source_dir"'/build/cache/vmlinuz", "initrd": "'"$work"'/initrd.cpio",
     "cmdline": "console=hvc0 memhp_default_state=online"}
  ]}'
boot --tpm none --memory 512M
expect_ok
# Linux spends a little of it on describing the rest.
grown=$(sed -n 's/.*MemTotal grew by \([0-9]*\) kB.*/\1/p' "$built/console/linux.log")
[ "${grown:-0}" -ge 60000 ] && [ "$grown" -le 66000 ] || fail "Linux grew by ${grown:-nothing} kB"
finish
