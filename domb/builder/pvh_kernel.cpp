// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pvh_kernel.hpp"

namespace builder {

hv::Result<Kernel, Refusal> read_kernel(std::span<const std::byte> file) {
    const ElfImage image = TRY(read_elf(file));
    const auto note = image.note(hv::abi::XenElfNote::XEN_ELFNOTE_PHYS32_ENTRY);
    if (!note) {
        return hv::Err{Refusal::NoPvhNote};
    }
    const uint64_t entry = TRY(to_number(*note));
    if (entry > UINT32_MAX || !is_loaded(image.segments, entry)) {
        return hv::Err{Refusal::EntryOutside};
    }
    return Kernel{static_cast<uint32_t>(entry), image.segments};
}

}  // namespace builder
