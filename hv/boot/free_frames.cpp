// SPDX-License-Identifier: Apache-2.0
#include "hv/boot/free_frames.hpp"

#include <algorithm>

namespace hv::boot {

namespace {

constexpr PhysicalRange low_memory{Paddr{0}, 0x100000};  // firmware's, loader's, the trampoline
constexpr uint64_t supported_memory_bytes = uint64_t{1} << 39;  // what the boot page tables map

}  // namespace

mm::Extent inner(const PhysicalRange& range) {
    const uint64_t limit = supported_memory_bytes;
    const uint64_t first = std::min(align_up(range.first.value(), page_size), limit);
    const uint64_t end = std::min(align_down(range.first.value() + range.bytes, page_size), limit);
    return {to_mfn(Paddr{first}), end > first ? (end - first) >> page_shift : 0};
}

mm::Extent outer(const PhysicalRange& range) {
    const uint64_t first = align_down(range.first.value(), page_size);
    const uint64_t end = align_up(range.first.value() + range.bytes, page_size);
    return {to_mfn(Paddr{first}), (end - first) >> page_shift};
}

Result<void, mm::ExtentError> find_free_frames(const BootInfo& info, const PhysicalRange& image,
                                               mm::Extents& free) {
    for (const PhysicalRange& range : info.ram) {
        TRY(free.remove(inner(range)));  // what an earlier range has added
        TRY(free.add(inner(range)));
    }
    TRY(free.remove(outer(low_memory)));
    TRY(free.remove(outer(image)));
    for (const PhysicalRange& range : info.reserved) {
        TRY(free.remove(outer(range)));
    }
    for (const PhysicalRange& module : info.modules) {
        TRY(free.remove(outer(module)));
    }
    for (const PhysicalRange& data : info.loader_data) {
        TRY(free.remove(outer(data)));
    }
    return Ok{};
}

uint64_t end_of_ram(const BootInfo& info) {
    uint64_t end = 0;
    for (const PhysicalRange& range : info.ram) {
        const mm::Extent frames = inner(range);
        end = std::max(end, (frames.first + frames.count).value());
    }
    return end;
}

}  // namespace hv::boot
