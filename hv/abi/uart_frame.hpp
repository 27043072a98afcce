// SPDX-License-Identifier: Apache-2.0
// How several byte streams share the UART. A frame is
//
//     0x1e  s s  n n n n  payload
//
// with the source `ss` and the payload's length `nnnn` in lower-case hex digits. Bytes outside a
// frame are firmware or early boot output. `gantry boot` splits the streams again.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

inline constexpr char uart_frame_start = 0x1e;  // ASCII RS; escaped nowhere: lengths delimit
inline constexpr size_t uart_frame_header_bytes = 7;
inline constexpr size_t uart_frame_max_payload = 0xffff;

// Sources: 01 to ef are domain ids (low byte), these are the rest.
enum class UartSource : uint8_t {
    Hypervisor = 0x00,  // log text for people
    Record = 0xff,      // launch record: one line per event, see ARCHITECTURE.md
};

}  // namespace hv::abi
