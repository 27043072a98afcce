// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/host_map.hpp"

#include "hv/mm/page_entry.hpp"

namespace hv::mm {

namespace {

uint64_t flags_of(Protection protection) {
    constexpr uint64_t common = pte::P | pte::A | pte::D;
    switch (protection) {
        case Protection::Code:
            return common;
        case Protection::ReadOnly:
            return common | pte::NX;
        case Protection::Data:
            return common | pte::RW | pte::NX;
        case Protection::Device:
            break;
    }
    return common | pte::RW | pte::NX | pte::PCD | pte::PWT;
}

}  // namespace

Result<void, PageTableError> HostMap::init(TablePool pool) {
    return table_.init(pool, pte::P | pte::RW | pte::A);
}

Result<void, PageTableError> HostMap::map(Paddr first, uint64_t bytes, Protection protection) {
    const Mfn mfn = to_mfn(first);
    return table_.map(mfn.value(), mfn, align_up(bytes, page_size) >> page_shift,
                      flags_of(protection));
}

Result<void, PageTableError> HostMap::unmap_page(Paddr page) {
    return table_.unmap(to_mfn(page).value(), 1);
}

}  // namespace hv::mm
