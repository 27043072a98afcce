// SPDX-License-Identifier: Apache-2.0
// P2m: the nested page table of one domain, guest frames to machine frames. This table and nothing
// else is what protects one domain from another. [apm2] 15.25.
// Tables come from the domain's own pool, so no domain can exhaust another's.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"

#include <cstdint>
#include <optional>

namespace hv::mm {

enum class Access : uint8_t { ReadWriteExecute, ReadWrite, ReadOnly };

enum class P2mError : uint8_t {
    NoTables,    // the domain's pool is used up: refuse the operation
    BadAddress,  // beyond the guest physical address space: refuse the operation
};

// Zeroed frames for nested page tables, reserved for one domain at boot.
class TablePool {
  public:
    constexpr TablePool() = default;
    void init(Mfn first, uint64_t count) {
        next_ = first;
        left_ = count;
    }
    [[nodiscard]] std::optional<Mfn> take();
    void give(Mfn table);
    [[nodiscard]] uint64_t left() const { return left_ + freed_count_; }

  private:
    Mfn next_{};
    uint64_t left_ = 0;
    Mfn freed_{};  // list through the first word of each freed table
    uint64_t freed_count_ = 0;
};

class P2m {
  public:
    struct Mapping {
        Mfn mfn;
        Access access;
    };
    static constexpr uint64_t gfn_limit = uint64_t{1} << (40 - page_shift);

    constexpr P2m() = default;
    Result<void, P2mError> init(TablePool pool);

    // Maps `count` frames; uses 1G and 2M entries where both sides are aligned. Replaces what was
    // mapped there. Nothing is changed if it fails half way through but tables already taken stay.
    Result<void, P2mError> map(Gfn gfn, Mfn mfn, uint64_t count, Access access);
    // Splits large entries as needed. Unmapping what is not mapped is allowed.
    Result<void, P2mError> unmap(Gfn gfn, uint64_t count);
    [[nodiscard]] std::optional<Mapping> lookup(Gfn gfn) const;

    // nCR3 of the container.
    [[nodiscard]] Paddr root() const { return to_paddr(root_); }
    // Whoever changes or removes an entry flushes every CPU that may run the domain before the
    // frame changes hands; see domain::flush_tlb.
    [[nodiscard]] uint64_t tables_left() const { return pool_.left(); }

  private:
    uint64_t* walk_to(Gfn gfn, unsigned level, bool create);
    Result<void, P2mError> split(uint64_t& entry, unsigned level);
    Result<void, P2mError> set(Gfn gfn, unsigned level, uint64_t entry);
    void free_subtree(uint64_t entry, unsigned level);

    Mfn root_{};
    TablePool pool_;
};

}  // namespace hv::mm
