// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/boot_layout.hpp"

#include "hv/abi/pv_layout.hpp"

#include <algorithm>

namespace builder::pv {
namespace {

constexpr uint64_t area_alignment = 4 << 20;
constexpr uint64_t least_padding = 512 << 10;

constexpr uint64_t pages_for(uint64_t bytes) {
    return hv::align_up(bytes, hv::page_size) >> hv::page_shift;
}

hv::Err<Refused> too_little_memory() {
    return hv::Err{Refused{Refusal::TooLittleMemory, "/memory"}};
}

// Hands out the pfns of one element after the other.
class Elements {
  public:
    explicit Elements(Pfn first) : next_{first} {}
    PageRun take(uint64_t count) {
        const PageRun run{next_, count};
        next_ = next_ + count;
        return run;
    }
    [[nodiscard]] Pfn next() const { return next_; }

  private:
    Pfn next_;
};

// Pages of an area that begins at `virt` and holds `used` pages and the padding.
uint64_t padded_pages(uint64_t virt, uint64_t used) {
    const uint64_t offset = virt & (area_alignment - 1);
    const uint64_t bytes = (used << hv::page_shift) + least_padding;
    return (hv::align_up(offset + bytes, area_alignment) - offset) >> hv::page_shift;
}

// Page tables, stack and padding: as many tables as it takes to map the area that they make longer.
// More tables never need fewer, so each round's answer is the next one's question until both agree;
// one table maps 512 pages, so they soon do.
void add_tables(BootLayout& layout, Pfn first) {
    constexpr uint64_t stack_pages = 1;
    uint64_t count = 0;
    for (;;) {
        layout.boot.pages = padded_pages(layout.boot.virt, first.value() + count + stack_pages);
        layout.tables = {};
        const uint64_t needed = layout.tables.add(layout.boot, first);
        if (needed == count) {
            layout.page_tables = {first, needed};
            layout.stack = first + needed;
            return;
        }
        count = needed;
    }
}

// Within one canonical half, and clear of the hypervisor's part.
bool is_usable(const VirtualArea& area) {
    constexpr uint64_t half = uint64_t{1} << 35;  // pages
    constexpr VirtualArea hypervisor{
        hv::abi::pv_hypervisor_virt_start,
        (hv::abi::pv_hypervisor_virt_end - hv::abi::pv_hypervisor_virt_start) >> hv::page_shift,
        {}};
    const uint64_t upper = area.virt >> 47;
    const bool canonical = upper == 0 || upper == 0x1ffff;
    const uint64_t limit = upper == 0 ? half : 2 * half;
    return canonical && area.pages <= half && area.end_page() <= limit &&
           (area.end_page() <= hypervisor.first_page() ||
            area.first_page() >= hypervisor.end_page());
}

bool overlap(const VirtualArea& a, const VirtualArea& b) {
    return a.first_page() < b.end_page() && b.first_page() < a.end_page();
}

// The elements of the boot area up to the page tables.
Pfn add_elements(BootLayout& layout, const Kernel& kernel, uint64_t initrd_pages,
                 uint64_t list_pages) {
    Elements elements{Pfn{pages_for(kernel.end)}};
    if (initrd_pages != 0 && !kernel.takes_unmapped_initrd) {
        layout.initrd = elements.take(initrd_pages);
        layout.initrd_is_mapped = true;
    }
    if (!kernel.init_p2m) {
        layout.p2m_list = elements.take(list_pages);
    }
    layout.start_info = elements.take(1).first;
    layout.xenstore = elements.take(1).first;
    layout.console = elements.take(1).first;
    return elements.next();
}

// What lies beyond the boot area.
Checked<Pfn> add_unmapped(BootLayout& layout, const Kernel& kernel, uint64_t initrd_pages,
                          uint64_t list_pages) {
    Elements elements{Pfn{layout.boot.pages}};
    if (initrd_pages != 0 && kernel.takes_unmapped_initrd) {
        layout.initrd = elements.take(initrd_pages);
    }
    if (kernel.init_p2m) {
        layout.p2m_list = elements.take(list_pages);
        layout.p2m = {*kernel.init_p2m, list_pages, layout.p2m_list.first};
        if (!is_usable(layout.p2m) || overlap(layout.p2m, layout.boot)) {
            return hv::Err{Refused{Refusal::PvNotesWrong, "/kernel"}};
        }
        layout.p2m_tables = elements.take(layout.tables.add(layout.p2m, elements.next()));
    }
    return elements.next();
}

}  // namespace

Checked<BootLayout> lay_out(const Kernel& kernel, uint64_t initrd_bytes, uint64_t pages) {
    constexpr uint64_t most_pages = max_memory_bytes >> hv::page_shift;
    if (pages > most_pages) {
        return hv::Err{Refused{Refusal::TooMuchMemory, "/memory"}};
    }
    const uint64_t initrd_pages = pages_for(initrd_bytes);
    if (pages_for(kernel.end) > pages || initrd_pages > pages) {
        return too_little_memory();  // and from here on no sum is large
    }
    const uint64_t list_pages = pages_for(pages * sizeof(uint64_t));
    BootLayout layout;
    layout.boot.virt = kernel.virt_base;
    add_tables(layout, add_elements(layout, kernel, initrd_pages, list_pages));
    if (!is_usable(layout.boot)) {
        return hv::Err{Refused{Refusal::PvNotesWrong, "/kernel"}};
    }
    const Pfn end = TRY(add_unmapped(layout, kernel, initrd_pages, list_pages));
    if (end.value() > pages) {
        return too_little_memory();
    }
    return layout;
}

}  // namespace builder::pv
