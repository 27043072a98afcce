// SPDX-License-Identifier: Apache-2.0
// Mapping pages that other domains grant.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace rt {

struct GrantError {
    int64_t status = 0;  // GNTST_* of [xen-pub] grant_table.h, or -errno
};

struct MappedGrant {
    std::span<std::byte> page;
    uint32_t handle = 0;
};

// Maps grant `ref` of a domain, writable, as the `index`-th granted page of this one. When the
// other domain ends, the page is gone: it then reads as all ones.
hv::Result<MappedGrant, GrantError> map_grant(hv::DomainId domain, hv::GrantRef ref, size_t index);
// Gives it back; nobody uses the page any more.
void unmap_grant(const MappedGrant& grant);

}  // namespace rt
