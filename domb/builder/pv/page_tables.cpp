// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/page_tables.hpp"

namespace builder::pv {
namespace {

constexpr uint64_t present = 1 << 0;
constexpr uint64_t writable = 1 << 1;
constexpr uint64_t accessed = 1 << 5;
constexpr uint64_t dirty = 1 << 6;

// The pfn that is mapped at a virtual page number.
std::optional<Pfn> mapped_pfn(const BootLayout& layout, uint64_t page) {
    for (const VirtualArea* area : {&layout.boot, &layout.p2m}) {
        if (page >= area->first_page() && page < area->end_page()) {
            return area->first + (page - area->first_page());
        }
    }
    return std::nullopt;
}

uint64_t leaf_entry(const BootLayout& layout, const P2m& p2m, Pfn pfn) {
    const bool is_table = layout.page_tables.contains(pfn) || layout.p2m_tables.contains(pfn);
    return hv::to_gpaddr(p2m.frame(pfn)).value() | present | accessed |
           (is_table ? 0 : writable | dirty);
}

}  // namespace

TablePage fill_table(const BootLayout& layout, const P2m& p2m, Pfn table) {
    const TableName name = layout.tables.name_of(table);
    TablePage entries{};
    for (uint64_t i = 0; i < entries.size(); ++i) {
        const uint64_t number = name.number << 9 | i;
        if (name.level == 1) {
            if (const auto pfn = mapped_pfn(layout, number)) {
                entries[i] = leaf_entry(layout, p2m, *pfn);
            }
        } else if (const auto next = layout.tables.find({name.level - 1, number})) {
            entries[i] = hv::to_gpaddr(p2m.frame(*next)).value() | present | writable | accessed;
        }
    }
    return entries;
}

}  // namespace builder::pv
