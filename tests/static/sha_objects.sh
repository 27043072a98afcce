#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The SHA objects taken from libcrypto.a are fit for freestanding programs: they need one symbol, and
# the path that runs there uses neither vector registers nor thread-local storage.
# usage: sha_objects.sh SOURCE_DIR LIBRARY
set -euo pipefail
library=$2
needed=$(nm -u "$library" | awk '$1 == "U" {print $2}' | sort -u)
[[ $needed == OPENSSL_ia32cap_P ]] || { echo "needs more than the feature word: $needed"; exit 1; }
for function in sha1_block_data_order sha256_block_data_order sha512_block_data_order; do
    code=$(objdump -d --no-show-raw-insn --disassemble="$function" "$library")
    [[ $(grep -c '^ ' <<<"$code") -gt 500 ]] || { echo "$function: not found"; exit 1; }
    if grep -E '%[xyz]mm|%fs' <<<"$code"; then
        echo "$function: uses what belongs to the guest or does not exist"
        exit 1
    fi
done
