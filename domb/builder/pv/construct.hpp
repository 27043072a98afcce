// SPDX-License-Identifier: Apache-2.0
// Fills one PV domain: kernel, initrd, p2m list, page tables, start info, the M2P, its memory map,
// and how its first vCPU starts. Called by builder::construct.
#pragma once

#include "domb/builder/construct.hpp"

namespace builder::pv {

Checked<void> construct(Hypervisor& hypervisor, const launch::Domain& domain,
                        const Contents& contents, std::span<std::byte> scratch);

}  // namespace builder::pv
