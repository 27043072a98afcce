// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/memory.hpp"

#include <algorithm>

namespace builder::pv {

Memory::Piece Memory::piece(uint64_t at, uint64_t bytes) {
    const uint64_t offset = hv::page_offset(at);
    const uint64_t n = std::min(bytes, most_frames * hv::page_size - offset);
    const uint64_t count = hv::align_up(offset + n, hv::page_size) >> hv::page_shift;
    for (uint64_t i = 0; i < count; ++i) {
        frames_[i] = p2m_.frame(Pfn{(at >> hv::page_shift) + i});
    }
    return {std::span{frames_}.first(count), n};
}

Done Memory::write(uint64_t at, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto [frames, n] = piece(at, bytes.size());
        TRY(hypervisor_.write_frames(domain_, frames, hv::page_offset(at), bytes.first(n)));
        at += n;
        bytes = bytes.subspan(n);
    }
    return hv::Ok{};
}

Done Memory::zero(uint64_t at, uint64_t bytes) {
    while (bytes > 0) {
        const auto [frames, n] = piece(at, bytes);
        TRY(hypervisor_.zero_frames(domain_, frames, hv::page_offset(at), n));
        at += n;
        bytes -= n;
    }
    return hv::Ok{};
}

}  // namespace builder::pv
