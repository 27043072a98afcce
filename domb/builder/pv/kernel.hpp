// SPDX-License-Identifier: Apache-2.0
// A kernel file as PV wants it: what its Xen notes say about address space, entry and start of day
// ([xen-pub] elfnote.h). The file may be hostile.
#pragma once

#include "domb/builder/elf.hpp"

#include <optional>

namespace builder::pv {

struct Kernel {
    uint64_t virt_base = 0;  // guest virtual address of pfn 0; canonical, whole pages
    uint64_t entry = 0;      // guest virtual, within the contents of a segment
    std::optional<uint64_t> hypercall_page;  // guest virtual, a page within a segment
    std::optional<uint64_t> init_p2m;        // where the p2m list is to be mapped; whole pages
    bool takes_unmapped_initrd = false;      // MOD_START_PFN
    Segments segments;                       // gpaddr is pseudo-physical: pfn 0 is at 0
    uint64_t end = 0;                        // pseudo-physical, beyond the last segment
};

hv::Result<Kernel, Refusal> read_kernel(std::span<const std::byte> file);

}  // namespace builder::pv
