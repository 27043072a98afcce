// SPDX-License-Identifier: Apache-2.0
// The PV console ring, and console_io. [xen-pub] io/console.h, xen.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

// In a page of the guest. Indices run freely; position = index & (size of the ring - 1).
// Whoever drains the ring believes neither side's index.
struct XenconsInterface {
    char in[1024];       // 000  to the guest
    char out[2048];      // 400  from the guest
    uint32_t in_cons;    // c00
    uint32_t in_prod;    // c04
    uint32_t out_cons;   // c08
    uint32_t out_prod;   // c0c
    uint8_t connection;  // c10  not in the headers of 4.17; the page was zero there, so: connected
    uint8_t rsvd_c11[3];
};
static_assert(sizeof(XenconsInterface) == 0xc14 && offsetof(XenconsInterface, in_cons) == 0xc00);

inline constexpr uint8_t XENCONSOLE_CONNECTED = 0;
inline constexpr uint8_t XENCONSOLE_DISCONNECTED = 1;

enum class ConsoleIo : uint32_t {
    CONSOLEIO_write = 0,
    CONSOLEIO_read = 1,
};

}  // namespace hv::abi
