// SPDX-License-Identifier: Apache-2.0
#include "hv/domain/guest_copy.hpp"

#include "hv/domain/domain.hpp"
#include "hv/mm/page_entry.hpp"
#include "hv/svm/vmcb.hpp"

#include <algorithm>
#include <cstring>

namespace hv::domain {

namespace {

namespace pte = mm::pte;

constexpr uint64_t cr0_pg = uint64_t{1} << 31;
constexpr uint64_t efer_lma = uint64_t{1} << 10;

// One entry of a guest's page table, read once.
Result<uint64_t, CopyFault> read_entry(const Domain& domain, uint64_t table, uint64_t index) {
    uint64_t entry = 0;
    const bool found = domain.p2m.with_page(to_gfn(GuestPaddr{table}), false, [&](std::byte* page) {
        std::memcpy(&entry, page + index * sizeof(entry), sizeof(entry));
    });
    if (!found || (entry & pte::P) == 0) {
        return Err{CopyFault{}};
    }
    return entry;
}

// [apm2] 5.3. Supervisor access; SMAP does not apply to what a hypercall names.
Result<GuestPaddr, CopyFault> walk(const Vcpu& v, uint64_t address, bool write) {
    uint64_t table = v.vmcb->save().cr3 & pte::address_mask;
    const uint64_t page = (address & 0x0000ffffffffffff) >> page_shift;
    for (unsigned level = pte::root_level;; --level) {
        const uint64_t entry = TRY(read_entry(*v.domain, table, pte::index(page, level)));
        if (write && (entry & pte::RW) == 0) {
            return Err{CopyFault{}};
        }
        if (level == 0 || (entry & pte::PS) != 0) {
            if (level == pte::root_level) {
                return Err{CopyFault{}};
            }
            const uint64_t bytes = pte::frames_per_entry(level) << page_shift;
            return GuestPaddr{align_down(entry & pte::address_mask, bytes) +
                              (address & (bytes - 1))};
        }
        table = entry & pte::address_mask;
    }
}

// Calls `copy(page bytes, offset into the buffer)` for each page of [address, +size).
template <class Copy>
Result<void, CopyFault> for_each_page(const Vcpu& v, uint64_t address, uint64_t size, bool write,
                                      Copy&& copy) {
    uint64_t done = 0;
    while (done < size) {
        const GuestPaddr at = TRY(translate(v, GuestVaddr{address + done}, write));
        const uint64_t offset = page_offset(at.value());
        const uint64_t n = std::min(size - done, page_size - offset);
        const bool ok = v.domain->p2m.with_page(to_gfn(at), write, [&](std::byte* page) {
            copy(std::span{page + offset, n}, done);
        });
        if (!ok) {
            return Err{CopyFault{}};
        }
        done += n;
    }
    return Ok{};
}

}  // namespace

Result<GuestPaddr, CopyFault> translate(const Vcpu& v, GuestVaddr address, bool write) {
    const auto& save = v.vmcb->save();
    if ((save.cr0 & cr0_pg) == 0) {
        return GuestPaddr{address.value()};
    }
    if ((save.efer & efer_lma) == 0 || !is_canonical(address.value())) {
        return Err{CopyFault{}};  // hypercalls come from 64-bit mode; see hv/hypercall
    }
    return walk(v, address.value(), write);
}

Result<void, CopyFault> copy_from_guest(const Vcpu& v, std::span<std::byte> to, GuestVaddr from) {
    return for_each_page(v, from.value(), to.size(), false,
                         [&](std::span<const std::byte> page, uint64_t done) {
                             std::memcpy(to.data() + done, page.data(), page.size());
                         });
}

Result<void, CopyFault> copy_to_guest(const Vcpu& v, GuestVaddr to,
                                      std::span<const std::byte> from) {
    return for_each_page(v, to.value(), from.size(), true,
                         [&](std::span<std::byte> page, uint64_t done) {
                             std::memcpy(page.data(), from.data() + done, page.size());
                         });
}

}  // namespace hv::domain
