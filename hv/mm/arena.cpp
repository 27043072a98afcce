// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/arena.hpp"

#include "hv/mm/frame_table.hpp"

#include <cstring>

namespace hv::mm {

namespace {
constexpr uint64_t chunk_frames = 16;
}

Result<Mfn, ExtentError> Arena::frames(uint64_t count) {
    const Mfn first = TRY(frames_.take_high(count));
    if (machine_frames.frame_count() != 0) {  // the table itself comes from here
        machine_frames.set(first, count, FrameUse::Hypervisor);
    }
    std::memset(direct_map(first), 0, count * page_size);
    return first;
}

Result<std::byte*, ExtentError> Arena::bytes(uint64_t size, uint64_t alignment) {
    if (size >= page_size) {
        return direct_map(TRY(frames(align_up(size, page_size) >> page_shift)));
    }
    Paddr at{align_up(next_.value(), alignment)};
    if (at.value() + size > end_.value()) {
        at = to_paddr(TRY(frames(chunk_frames)));
        end_ = at + chunk_frames * page_size;
    }
    next_ = at + size;
    return direct_map(at);
}

}  // namespace hv::mm
