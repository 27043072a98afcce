// SPDX-License-Identifier: Apache-2.0
// The hypervisor's own address space: every frame at the virtual address equal to its physical one,
// once. Text is executable and not writable, all else is not executable; page 0 and the guard page
// below each stack are not there.
#pragma once

#include "hv/mm/extents.hpp"
#include "hv/mm/page_table.hpp"

#include <cstdint>

namespace hv::mm {

enum class Protection : uint8_t { Code, ReadOnly, Data, Device };

class HostMap {
  public:
    Result<void, PageTableError> init(TablePool pool);
    // Whole pages; replaces what was there.
    Result<void, PageTableError> map(Paddr first, uint64_t bytes, Protection protection);
    Result<void, PageTableError> unmap_page(Paddr page);
    [[nodiscard]] Paddr root() const { return table_.root(); }

  private:
    PageTable table_;
};

}  // namespace hv::mm
