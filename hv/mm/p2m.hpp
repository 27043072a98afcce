// SPDX-License-Identifier: Apache-2.0
// P2m: the nested page table of one domain, guest frames to machine frames. This table and nothing
// else is what protects one domain from another. [apm2] 15.25.
// Tables come from the domain's own pool, so no domain can exhaust another's.
#pragma once

#include "hv/base/spinlock.hpp"
#include "hv/mm/direct_map.hpp"
#include "hv/mm/page_table.hpp"

#include <cstdint>
#include <optional>

namespace hv::mm {

enum class Access : uint8_t { ReadWriteExecute, ReadWrite, ReadOnly };

using P2mError = PageTableError;

class P2m {
  public:
    struct Mapping {
        Mfn mfn;
        Access access;
    };
    static constexpr uint64_t gfn_limit = uint64_t{1} << (40 - page_shift);

    constexpr P2m() = default;
    Result<void, P2mError> init(TablePool pool);

    Result<void, P2mError> map(Gfn gfn, Mfn mfn, uint64_t count, Access access);
    // Device registers: read, write, uncached.
    Result<void, P2mError> map_device(Gfn gfn, Mfn mfn, uint64_t count);
    Result<void, P2mError> unmap(Gfn gfn, uint64_t count);
    [[nodiscard]] std::optional<Mapping> lookup(Gfn gfn) const;
    // The first mapped frame at or after gfn.
    [[nodiscard]] std::optional<Gfn> next_mapped(Gfn gfn) const;

    // Calls `use` with the page behind gfn while the mapping cannot change; false if the page is
    // not there or may not be written. `use` must be short.
    template <class Use>
    bool with_page(Gfn gfn, bool write, Use&& use) const {
        const LockGuard guard{lock_};
        const auto mapping = lookup_locked(gfn);
        if (!mapping || (write && mapping->access == Access::ReadOnly)) {
            return false;
        }
        use(direct_map(mapping->mfn));
        return true;
    }

    // nCR3 of the container.
    [[nodiscard]] Paddr root() const { return table_.root(); }
    // Whoever changes or removes an entry flushes every CPU that may run the domain before the
    // frame changes hands; see domain::flush_tlb.
    [[nodiscard]] uint64_t tables_left() const { return table_.tables_left(); }

  private:
    [[nodiscard]] std::optional<Mapping> lookup_locked(Gfn gfn) const;

    // Innermost lock: nothing else is taken while it is held.
    mutable Spinlock lock_;
    PageTable table_;
};

}  // namespace hv::mm
