// SPDX-License-Identifier: Apache-2.0
// Decides where a kernel and an initrd go in a domain's RAM, or that they do not fit.
#pragma once

#include "domb/builder/pvh_kernel.hpp"

namespace builder {

struct Placement {
    uint64_t initrd = 0;  // gpaddr, page aligned; 0 without an initrd
};

// The kernel stays where it was linked; the initrd goes as high as Linux can take it.
Checked<Placement> place(const Kernel& kernel, uint64_t initrd_bytes, uint64_t memory_bytes);

}  // namespace builder
