// SPDX-License-Identifier: Apache-2.0
// OpenSSL's assembly looks here for CPU features. Zero means none: only general registers are
// used, because vector registers belong to the guest.
#include <cstdint>

extern "C" {
extern uint32_t OPENSSL_ia32cap_P[4];
[[gnu::visibility("hidden")]] uint32_t OPENSSL_ia32cap_P[4] = {};
}
