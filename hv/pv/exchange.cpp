// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/exchange.hpp"

#include "hv/base/assert.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/pv/page_tables.hpp"
#include "hv/pv/pv.hpp"

namespace hv::pv {

Result<void, ExchangeError> Exchange::take_one(Gfn name) {
    const auto frame = own_ram_frame(domain_, name);
    if (!frame || is_table(domain_, name) || mm::machine_frames.get(*frame).foreign_mappings != 0) {
        return Err{ExchangeError::NotOwn};
    }
    if (!domain_.p2m.unmap(name, 1).ok()) {
        return Err{ExchangeError::NoTables};
    }
    domain_.pv->exchanged[taken_++] = {.frame = *frame, .from = name};
    return Ok{};
}

Result<void, ExchangeError> Exchange::take(Gfn first, uint64_t count) {
    ASSERT(taken_ + count <= max_pages);
    for (uint64_t n = 0; n < count; ++n) {
        TRY(take_one(first + n));
    }
    return Ok{};
}

// A name that this exchange takes a frame from.
std::optional<Gfn> Exchange::find_given_up(Gfn limit) {
    for (; maybe_free_ < taken_; ++maybe_free_) {
        const Gfn name = domain_.pv->exchanged[maybe_free_].from;
        if (name < limit && !domain_.p2m.lookup(name)) {
            return name;
        }
    }
    return std::nullopt;
}

// A search that has found nothing yet goes on in the next exit. One that has found some of the
// names would find them all again, so it must end within the looks of one exit. Single names are
// then those that were given up; only names in a row can be short.
Result<Gfn, ExchangeError> Exchange::find(uint32_t order, Gfn limit) {
    const auto found = find_names(domain_, order, limit, looks_left_);
    if (found.ok()) {
        first_found_ = first_found_ ? first_found_ : domain_.pv->search;
        return found.value();
    }
    if (found.error() == SearchError::NotDone && (given_ == 0 || may_wait_)) {
        return Err{ExchangeError::NotDone};
    }
    const auto given_up = order == 0 ? find_given_up(limit) : std::nullopt;
    if (!given_up) {
        return Err{ExchangeError::NoName};
    }
    return *given_up;
}

Result<Gfn, ExchangeError> Exchange::give(uint32_t order, Gfn limit, uint64_t pfn) {
    const uint64_t count = uint64_t{1} << order;
    ASSERT(given_ + count <= taken_);
    const Gfn first = TRY(find(order, limit));
    for (uint64_t n = 0; n < count; ++n) {
        ExchangedPage& page = domain_.pv->exchanged[given_];
        page.to = first + n;
        page.pfn = pfn + n;
        if (!domain_.p2m.map(page.to, page.frame, 1, mm::Access::ReadWriteExecute).ok()) {
            return Err{ExchangeError::NoTables};
        }
        ++given_;
    }
    return first;
}

void Exchange::commit() {
    ASSERT(given_ == taken_);
    for (uint64_t n = 0; n < taken_; ++n) {
        forget_frame(domain_, domain_.pv->exchanged[n].from);
    }
    for (uint64_t n = 0; n < given_; ++n) {
        const ExchangedPage& page = domain_.pv->exchanged[n];
        static_cast<void>(write_m2p(domain_, page.to, page.pfn).ok());  // it may lack that frame
    }
    taken_ = 0;
    given_ = 0;
    first_found_.reset();
}

Gfn Exchange::name(uint64_t n) const {
    ASSERT(n < max_pages);
    return domain_.pv->exchanged[n].to;
}

// The tables of every name exist since it was mapped before, so this cannot run out of them. Names
// that were found are free again: the search goes on at the first.
Exchange::~Exchange() {
    if (first_found_) {
        domain_.pv->search = *first_found_;
    }
    for (uint64_t n = 0; n < given_; ++n) {
        ASSERT(domain_.p2m.unmap(domain_.pv->exchanged[n].to, 1).ok());
    }
    for (uint64_t n = 0; n < taken_; ++n) {
        const ExchangedPage& page = domain_.pv->exchanged[n];
        ASSERT(domain_.p2m.map(page.from, page.frame, 1, mm::Access::ReadWriteExecute).ok());
    }
}

}  // namespace hv::pv
