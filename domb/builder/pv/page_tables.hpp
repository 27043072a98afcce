// SPDX-License-Identifier: Apache-2.0
// The contents of a PV domain's first page tables, one table at a time. [apm2] 5.3.
#pragma once

#include "domb/builder/pv/boot_layout.hpp"

#include <array>

namespace builder::pv {

using TablePage = std::array<uint64_t, 512>;

// The table that stands at `table`, one of layout.page_tables or layout.p2m_tables. Entries name
// machine frames. Everything is mapped for the kernel alone (U=0: [ours] hv/pv/README.md), writable
// but for the tables themselves.
TablePage fill_table(const BootLayout& layout, const P2m& p2m, Pfn table);

}  // namespace builder::pv
