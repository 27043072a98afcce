// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/frame_table.hpp"

#include "hv/base/assert.hpp"

#include <algorithm>
#include <atomic>

namespace hv::mm {

void FrameTable::set(Mfn first, uint64_t count, FrameUse use, DomainId owner) {
    ASSERT(first.value() + count <= frames_.size());
    for (FrameInfo& f : frames_.subspan(first.value(), count)) {
        f = {.use = use, .owner = owner};
    }
}

void FrameTable::add_foreign_mapping(Mfn mfn) {
    ASSERT(mfn.value() < frames_.size());
    std::atomic_ref{frames_[mfn.value()].foreign_mappings}.fetch_add(1, std::memory_order_relaxed);
}

void FrameTable::drop_foreign_mapping(Mfn mfn) {
    ASSERT(mfn.value() < frames_.size());
    const uint32_t before = std::atomic_ref{frames_[mfn.value()].foreign_mappings}.fetch_sub(
        1, std::memory_order_relaxed);
    ASSERT(before > 0);
}

uint64_t FrameTable::count(FrameUse use) const {
    return static_cast<uint64_t>(std::count_if(frames_.begin(), frames_.end(),
                                               [&](const FrameInfo& f) { return f.use == use; }));
}

}  // namespace hv::mm
