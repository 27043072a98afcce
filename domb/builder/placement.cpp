// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/placement.hpp"

#include "domb/builder/physical_layout.hpp"
#include "hv/base/address.hpp"

#include <algorithm>

namespace builder {
namespace {

// The highest address Linux's boot protocol allows for an initrd (initrd_addr_max).
constexpr uint64_t initrd_limit = 0x8000'0000;

Checked<void> check_segment(const Segment& s, uint64_t memory_bytes) {
    const bool below_tables = s.end() <= layout::tables;
    const bool above_tables = s.gpaddr >= layout::tables_end && s.end() <= layout::low_ram_limit;
    if (!below_tables && !above_tables) {
        return hv::Err{Refused{Refusal::OutsideRam, "/kernel"}};
    }
    if (s.end() > layout::low_ram_end(memory_bytes)) {
        return hv::Err{Refused{Refusal::TooLittleMemory, "/memory"}};
    }
    return hv::Ok{};
}

// `bytes` and `limit` are whole pages: Linux frees the initrd's pages, so no other byte may share
// one. Goes down from the limit; each segment in the way moves it below that segment for good, so
// after one pass per segment nothing can be in the way.
Checked<uint64_t> place_initrd(const Segments& segments, uint64_t bytes, uint64_t limit) {
    for (size_t pass = 0; pass <= segments.size(); ++pass) {
        if (limit < layout::tables_end || bytes > limit - layout::tables_end) {
            break;
        }
        const uint64_t at = hv::align_down(limit - bytes, hv::page_size);
        const auto* in_the_way = std::find_if(
            segments.begin(), segments.end(),
            [at, bytes](const Segment& s) { return s.gpaddr < at + bytes && at < s.end(); });
        if (at >= layout::tables_end && in_the_way == segments.end()) {
            return at;
        }
        if (in_the_way != segments.end()) {
            limit = hv::align_down(in_the_way->gpaddr, hv::page_size);
        }
    }
    return hv::Err{Refused{Refusal::TooLittleMemory, "/memory"}};
}

}  // namespace

Checked<Placement> place(const Kernel& kernel, uint64_t initrd_bytes, uint64_t memory_bytes) {
    if (memory_bytes < layout::tables_end || initrd_bytes > memory_bytes) {
        return hv::Err{Refused{Refusal::TooLittleMemory, "/memory"}};
    }
    for (const Segment& s : kernel.segments) {
        TRY(check_segment(s, memory_bytes));
    }
    if (initrd_bytes == 0) {
        return Placement{};
    }
    const uint64_t limit = std::min(layout::low_ram_end(memory_bytes), initrd_limit);
    return Placement{
        TRY(place_initrd(kernel.segments, hv::align_up(initrd_bytes, hv::page_size), limit))};
}

}  // namespace builder
