// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/descriptors.hpp"

#include "hv/base/assert.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/domain/guest_copy.hpp"
#include "hv/domain/physmap.hpp"
#include "hv/pv/area.hpp"
#include "hv/svm/vmcb.hpp"

#include <atomic>
#include <optional>

namespace hv::pv {

namespace {

// [apm2] 4.8: bits of the descriptor as one word.
constexpr uint64_t desc_s = uint64_t{1} << 44;  // code or data
constexpr uint64_t desc_dpl = uint64_t{3} << 45;
constexpr uint64_t desc_p = uint64_t{1} << 47;
constexpr uint64_t desc_code = uint64_t{1} << 43;
constexpr uint64_t desc_readable = uint64_t{1} << 41;

constexpr uint64_t descriptor_bytes = 8;
constexpr uint32_t most_entries = 8192;

std::optional<uint64_t> read_descriptor(const domain::Vcpu& v, uint16_t selector) {
    constexpr uint16_t table_indicator = 4;
    const svm::VmcbSave& save = v.vmcb->save();
    const svm::Segment& table = (selector & table_indicator) != 0 ? save.ldtr : save.gdtr;
    const uint64_t offset = selector & ~7U;
    if (offset + descriptor_bytes - 1 > table.limit) {
        return std::nullopt;
    }
    const auto read = domain::read_guest<uint64_t>(v, GuestVaddr{table.base + offset});
    return read.ok() ? std::optional{read.value()} : std::nullopt;
}

svm::Segment unpack(uint16_t selector, uint64_t d) {
    constexpr uint64_t granular = uint64_t{1} << 55;
    auto limit = static_cast<uint32_t>((d & 0xffff) | (d >> 32 & 0xf0000));
    limit = (d & granular) != 0 ? limit << 12 | 0xfff : limit;
    return {.selector = selector,
            .attributes = static_cast<uint16_t>((d >> 40 & 0xff) | (d >> 44 & 0xf00)),
            .limit = limit,
            .base = (d >> 16 & 0xffffff) | (d >> 56 & 0xff) << 24};
}

}  // namespace

bool accept_descriptor(uint64_t& descriptor) {
    if ((descriptor & desc_p) == 0) {
        return true;
    }
    if ((descriptor & desc_s) == 0) {
        return false;
    }
    if ((descriptor & desc_dpl) != desc_dpl) {
        descriptor |= desc_dpl;
    }
    return true;
}

bool accept_descriptors(domain::Domain& d, Gfn frame) {
    bool all = domain::own_ram(d, frame).has_value();
    d.p2m.with_page(frame, true, [&](std::byte* page) {
        for (uint64_t offset = 0; all && offset < page_size; offset += descriptor_bytes) {
            // SAFETY: aligned, within the page.
            const std::atomic_ref entry{*reinterpret_cast<uint64_t*>(page + offset)};
            uint64_t descriptor = entry.load(std::memory_order_relaxed);
            const uint64_t before = descriptor;
            all = accept_descriptor(descriptor);
            if (all && descriptor != before) {
                entry.store(descriptor, std::memory_order_relaxed);
            }
        }
    });
    return all;
}

bool set_ldt(domain::Vcpu& v, uint64_t base, uint32_t entries) {
    if (entries > most_entries || page_offset(base) != 0 || !is_canonical(base)) {
        return false;
    }
    StaticVector<Gfn, most_entries * descriptor_bytes / page_size> frames;
    const uint64_t bytes = entries * descriptor_bytes;
    for (uint64_t offset = 0; offset < bytes; offset += page_size) {
        const auto at = domain::translate(v, GuestVaddr{base + offset}, false);
        if (!at.ok() || !accept_descriptors(*v.domain, to_gfn(at.value()))) {
            return false;
        }
        ASSERT(frames.push(to_gfn(at.value())).ok());
    }
    set_ldt_pages(v, {frames.begin(), frames.size()});
    svm::Segment& ldtr = v.vmcb->save().ldtr;
    constexpr uint16_t present_ldt = 0x82;
    constexpr uint16_t selector = 8;  // any that is not null; nothing loads it again
    ldtr = entries == 0 ? svm::Segment{}
                        : svm::Segment{selector, present_ldt, static_cast<uint32_t>(bytes - 1),
                                       stub_address(v, STUB_LDT)};
    return true;
}

void load_user_gs(domain::Vcpu& v, uint16_t selector) {
    svm::VmcbSave& save = v.vmcb->save();
    const uint64_t kernel_base = save.gs.base;
    save.gs = {};
    save.kernel_gs_base = 0;
    if ((selector & ~3U) != 0) {
        const auto d = read_descriptor(v, selector);
        const bool is_data = d && (*d & desc_p) != 0 && (*d & desc_s) != 0 &&
                             (*d & desc_dpl) == desc_dpl &&
                             ((*d & desc_code) == 0 || (*d & desc_readable) != 0);
        if (is_data) {
            save.gs = unpack(selector, *d);
            save.kernel_gs_base = save.gs.base;
        }
    }
    save.gs.base = kernel_base;
}

}  // namespace hv::pv
