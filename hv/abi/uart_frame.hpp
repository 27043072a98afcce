// SPDX-License-Identifier: Apache-2.0
// How several byte streams share the UART. A frame is
//
//     0x1e  s s  c  n n n n  payload
//
// with the source `ss`, its channel `c` and the payload's length `nnnn` in lower-case hex digits.
// Channel 0 of a domain is its console, the others are those of the manifest, from 1. Bytes outside
// a frame are firmware or early boot output. `gantry boot` splits the streams again.
//
// What the host types comes in the same frames, with the domain and channel that it is for. It
// sends no more than there is room for: a frame of source `fe` has the payload `sscnnnn`, which is
// room for nnnn bytes more at channel c of domain ss. At the start there is none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

inline constexpr char uart_frame_start = 0x1e;  // ASCII RS; escaped nowhere: lengths delimit
inline constexpr size_t uart_frame_header_bytes = 8;
inline constexpr uint8_t uart_frame_max_channel = 0xf;
inline constexpr size_t uart_room_bytes = 7;  // payload of a frame that tells of room
inline constexpr size_t uart_frame_max_payload = 0xffff;

// Sources: 01 to df are domain ids, these are the rest.
enum class UartSource : uint8_t {
    Hypervisor = 0x00,  // log text for people
    Builder = 0xe0,     // domB, the low byte of its id
    Room = 0xfe,        // where the host may send how much
    Record = 0xff,      // launch record: one line per event, see ARCHITECTURE.md
};

}  // namespace hv::abi
