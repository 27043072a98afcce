// SPDX-License-Identifier: Apache-2.0
// XENMEM_exchange: a PV guest gives frames and gets as many others, for instance in a row. A
// machine frame is a name here, so the frames stay where they are and get other names: nothing is
// allocated, nothing is copied, and whatever fails is undone. Used by memory_op.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/domain.hpp"
#include "hv/pv/frames.hpp"
#include "hv/pv/pv.hpp"

#include <cstdint>
#include <optional>

namespace hv::pv {

enum class ExchangeError : uint8_t {
    NotOwn,    // not the guest's to give: no RAM of its own, a page table, or mapped by others:
               // refuse
    NoName,    // no names in a row are free: refuse
    NotDone,   // too few looks are left: make the call again
    NoTables,  // the domain's page-table pool is used up: refuse
};

struct ExchangedPage {
    Mfn frame{};
    Gfn from{};
    Gfn to{};
    uint64_t pfn = 0;
};

// One exchange of at most max_pages, all under Domain::lock: first take(), then give() for all that
// was taken, then commit(); or none of it. The caller flushes afterwards.
class Exchange {
  public:
    static constexpr uint64_t max_pages = uint64_t{1} << max_extent_order;

    // Names looked at are counted off `looks_left`; most_looks says that nothing was yet.
    Exchange(domain::Domain& domain, uint64_t& looks_left)
        : domain_{domain}, looks_left_{looks_left}, may_wait_{looks_left < most_looks} {}
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // Takes `count` frames out.
    Result<void, ExchangeError> take(Gfn first, uint64_t count);
    // The next 2^order of them get names in a row, below `limit`, for the pfns from `pfn` on: the
    // first name.
    Result<Gfn, ExchangeError> give(uint32_t order, Gfn limit, uint64_t pfn);
    // Nothing is undone any more, and the M2P says what is where.
    void commit();
    // Of the n-th page that was given, the last time.
    [[nodiscard]] Gfn name(uint64_t n) const;

  private:
    Result<void, ExchangeError> take_one(Gfn name);
    Result<Gfn, ExchangeError> find(uint32_t order, Gfn limit);
    std::optional<Gfn> find_given_up(Gfn limit);

    domain::Domain& domain_;
    uint64_t taken_ = 0;
    uint64_t given_ = 0;
    uint64_t& looks_left_;
    bool may_wait_;                          // the next exit has more looks than this one had
    uint64_t maybe_free_ = 0;                // of those taken, the first whose name may be free
    std::optional<NameSearch> first_found_;  // the search when it found the first names
};

}  // namespace hv::pv
