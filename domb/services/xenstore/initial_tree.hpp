// SPDX-License-Identifier: Apache-2.0
// Fills a server's store from the module that was measured with the launch
// (hv/abi/xenstore_tree.hpp). For the start of the service: domains that own something are added
// before, so that they pay for it.
#pragma once

#include "domb/services/xenstore/server.hpp"
#include "hv/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace xenstore {

// Do not start: the module is not what the compiler of manifests writes. What was loaded stays.
enum class TreeFault : uint8_t {
    Truncated,
    WrongMagic,
    WrongVersion,
    BadPath,
    BadPermission,  // a letter, the number of them, or another owner of the root
    Duplicate,      // or a parent after its child
    NoRoom,         // in its owner's memory
    TrailingBytes,
};
struct TreeError {
    TreeFault fault{};
    uint32_t record = 0;  // which one, from 0
};

hv::Result<void, TreeError> load_tree(Server& server, std::span<const std::byte> module);

}  // namespace xenstore
