// SPDX-License-Identifier: Apache-2.0
// Names of the TCG event log, [tcg-pfp] 10.4: event types, and the values of the events this
// project writes.
#pragma once

#include "hv/base/address.hpp"

#include <cstdint>
#include <string_view>

namespace measure {

inline constexpr uint32_t pcr_count = 24;  // of a PC Client TPM

// Any 32-bit value may stand in a log, so this enum is open: a switch over it has a default.
enum class EventType : uint32_t {
    EV_NO_ACTION = 3,
    EV_SEPARATOR = 4,
    EV_ACTION = 5,
    EV_EVENT_TAG = 6,
    EV_COMPACT_HASH = 0xc,
    EV_IPL = 0xd,
};

// Content of an EV_SEPARATOR: nothing follows (Capped), or the launch failed (Error).
enum class Separator : uint32_t { Capped = 0, Error = 1 };

// taggedEventID of our EV_EVENT_TAG events.
enum class TagId : uint32_t {
    Blob = 0x544e4701,    // bytes 01 'G' 'N' 'T': data is a hint about the hashed blob
    Mirror = 0x544e4702,  // data names the record whose digests are repeated
};

}  // namespace measure
