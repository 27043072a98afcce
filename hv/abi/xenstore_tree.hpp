// SPDX-License-Identifier: Apache-2.0
// The Xenstore service's initial tree, a measured module: written by the compiler of manifests,
// read by domb/services/xenstore. All numbers are little-endian, nothing is aligned.
//
//     XenstoreTreeHeader
//     `count` times: XenstoreTreeRecord, its permissions, its path, its value (no terminators)
//
// and nothing after that. Paths are absolute and unlike one another. The first permission names the
// owner, and the access of everybody who is not named. Parents that no record names before their
// child are made with an empty value and their parent's permissions; a later record for such a
// parent is an error. The root exists (owner 0, no access); a record "/" changes it. The paths
// "@introduceDomain" and "@releaseDomain" have no value: who may read them hears of these events.
#pragma once

#include "hv/base/endian.hpp"

#include <cstdint>

namespace hv::abi {

inline constexpr uint32_t xenstore_tree_magic = 0x54535847;  // "GXST"
inline constexpr uint32_t xenstore_tree_version = 1;

struct XenstoreTreeHeader {
    Le<uint32_t> magic;
    Le<uint32_t> version;
    Le<uint32_t> count;  // of records
};
static_assert(sizeof(XenstoreTreeHeader) == 12);

struct XenstoreTreePermission {
    Le<uint16_t> domid;
    uint8_t letter;  // 'n', 'r', 'w' or 'b', as on the wire
    uint8_t zero;
};
static_assert(sizeof(XenstoreTreePermission) == 4);

struct XenstoreTreeRecord {
    Le<uint16_t> path_bytes;
    Le<uint16_t> value_bytes;
    Le<uint16_t> permission_count;  // 1 to xenstore_tree_max_permissions
};
static_assert(sizeof(XenstoreTreeRecord) == 6);

inline constexpr uint16_t xenstore_tree_max_permissions = 32;

}  // namespace hv::abi
