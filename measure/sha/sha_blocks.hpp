// SPDX-License-Identifier: Apache-2.0
// The compression functions of SHA-1 and SHA-2, taken from OpenSSL's libcrypto.a: hand-written
// assembly without stack canary, thread-local storage or calls (measure/README.md says why these).
// Used by measure/tcg/digest.cpp only, on the host as well, so the unit tests run what hv runs.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
// `blocks` blocks of 64 bytes (SHA-1, SHA-256) or 128 bytes (SHA-384, SHA-512) at `data`, which
// needs no alignment.
void sha1_block_data_order(uint32_t* state, const void* data, size_t blocks);
void sha256_block_data_order(uint32_t* state, const void* data, size_t blocks);
void sha512_block_data_order(uint64_t* state, const void* data, size_t blocks);
}
