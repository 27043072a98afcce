#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh measure_bare.elf
set -euo pipefail
work=$(mktemp -d)
trap 'kill "$swtpm" 2>/dev/null || true; rm -rf "$work"' EXIT
swtpm_setup --tpm2 --tpmstate "$work" --pcr-banks sha256,sha384 --createek --logfile "$work/log" >/dev/null
swtpm socket --tpm2 --tpmstate dir="$work" --ctrl type=unixio,path="$work/ctrl" --terminate &
swtpm=$!
for _ in $(seq 400); do
    [[ -S $work/ctrl ]] && break
    sleep 0.05
done

timeout 60 "${SCENARIO_QEMU:-qemu-system-x86_64}" -accel tcg -M q35 -cpu max -m 128 \
    -display none -monitor none -serial stdio -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=1 \
    -chardev socket,id=tpm,path="$work/ctrl" -tpmdev emulator,id=tpm0,chardev=tpm \
    -device tpm-tis,tpmdev=tpm0 -kernel "$1" >"$work/out" && status=0 || status=$?
cat "$work/out"

# expect LINE: the guest has printed exactly it.
expect() {
    grep -qxF -- "$1" "$work/out" || { echo "missing: $1"; exit 1; }
}
sum() { "${1}sum" | cut -d ' ' -f 1; }
for bank in sha1 sha256 sha384 sha512; do
    expect "abc $bank $(printf abc | sum $bank)"
    expect "zeros $bank $(head -c 4M /dev/zero | sum $bank)"
done
for bank in sha256 sha384; do
    digest=$(printf abc | sum $bank)
    # shellcheck disable=SC2059  # the format is the bytes
    extended=$(printf "$(sed 's/../\\x&/g' <<<"${digest//?/0}$digest")" | sum $bank)
    expect "pcr12 $bank $extended"
    expect "pcr21 $bank $extended"
done
expect "locality 2"
expect "locality 0 cannot extend 21"
expect "done"
[[ $status == 1 ]]  # isa-debug-exit gives 2 * value + 1, and SHUTDOWN_poweroff is 0
