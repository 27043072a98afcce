// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/construct.hpp"

#include "domb/builder/pv/memory.hpp"
#include "domb/builder/pv/page_tables.hpp"
#include "domb/builder/pv/start_info.hpp"
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/service_plan.hpp"

#include <utility>

namespace builder::pv {
namespace {

constexpr uint64_t entries_per_page = std::tuple_size_v<Page>;

// What every write needs.
struct Site {
    Hypervisor& hypervisor;
    hv::DomainId domain;
    const P2m& p2m;
    Memory memory;
    std::span<std::byte> scratch;
};

constexpr uint64_t address_of(Pfn pfn) {
    return pfn.value() << hv::page_shift;
}

Checked<void> check_plan(const launch::Domain& domain) {
    if (!domain.roles.empty()) {
        return hv::Err{Refused{Refusal::Role, "/roles"}};
    }
    if (domain.cmdline.size() >= hv::abi::MAX_GUEST_CMDLINE) {
        return hv::Err{Refused{Refusal::CommandLine, "/cmdline"}};
    }
    if (domain.max_memory_bytes > max_memory_bytes) {
        return hv::Err{Refused{Refusal::TooMuchMemory, "/memory"}};
    }
    return hv::Ok{};
}

Checked<Kernel> checked_kernel(std::span<const std::byte> file) {
    auto kernel = read_kernel(file);
    if (!kernel.ok()) {
        return hv::Err{Refused{kernel.error(), "/kernel"}};
    }
    return kernel.take();
}

Done write_segment(Site& site, const Segment& segment) {
    const auto contents = without_zeros_at_end(segment.contents);
    TRY(site.memory.write(segment.gpaddr, contents));
    return site.memory.zero(segment.gpaddr + contents.size(),
                            segment.memory_bytes - contents.size());
}

// The rest of its last page names no frame.
Done write_p2m_list(Site& site, const PageRun& list) {
    const auto make = [&site](uint64_t number) {
        Page page;
        for (uint64_t i = 0; i < entries_per_page; ++i) {
            const uint64_t n = number * entries_per_page + i;
            page[i] = n < site.p2m.pages() ? site.p2m.frame(Pfn{n}).value() : ~uint64_t{0};
        }
        return page;
    };
    return send_pages(site.scratch, list.count, make,
                      [&](uint64_t first, std::span<const std::byte> bytes) {
                          return site.memory.write(address_of(list.first + first), bytes);
                      });
}

Done write_tables(Site& site, const BootLayout& layout, const PageRun& tables) {
    return send_pages(
        site.scratch, tables.count,
        [&](uint64_t number) { return fill_table(layout, site.p2m, tables.first + number); },
        [&](uint64_t first, std::span<const std::byte> bytes) {
            return site.memory.write(address_of(tables.first + first), bytes);
        });
}

Page m2p_page(const P2m& p2m, uint64_t number) {
    Page page;
    for (uint64_t i = 0; i < entries_per_page; ++i) {
        const auto pfn = p2m.pfn(hv::Gfn{number * hv::abi::pv_m2p_entries_per_frame + i});
        page[i] = pfn ? pfn->value() : hv::abi::pv_invalid_m2p_entry;
    }
    return page;
}

// Frames `first` to `end` of the M2P, by number.
Done write_m2p(Site& site, uint64_t first, uint64_t end) {
    return send_pages(
        site.scratch, end - first,
        [&](uint64_t number) { return m2p_page(site.p2m, first + number); },
        [&](uint64_t number, std::span<const std::byte> bytes) {
            const hv::Gfn at{hv::abi::pv_m2p_gfn + first + number};
            return site.hypervisor.write(site.domain, hv::to_gpaddr(at), bytes);
        });
}

// For RAM below the hole, for RAM above it, and for the special pages: elsewhere there is no M2P.
Done write_m2p(Site& site) {
    constexpr uint64_t per_frame = hv::abi::pv_m2p_entries_per_frame;
    constexpr uint64_t hole = layout::low_ram_limit >> hv::page_shift;
    constexpr uint64_t high = layout::high_ram_start >> hv::page_shift;
    constexpr uint64_t special = hv::abi::pv_xenstore_gfn / per_frame;
    static_assert(special == hv::abi::pv_console_gfn / per_frame);
    static_assert(hole % per_frame == 0 && high % per_frame == 0);
    const uint64_t end = site.p2m.ram_end().value();
    TRY(write_m2p(site, 0, hv::align_up(end < hole ? end : hole, per_frame) / per_frame));
    if (end > high) {
        TRY(write_m2p(site, high / per_frame, hv::align_up(end, per_frame) / per_frame));
    }
    return write_m2p(site, special, special + 1);
}

// start_info and the stack, each alone on its page.
Done write_start(Site& site, const BootLayout& layout, const hv::abi::StartInfo& info) {
    const uint64_t at = address_of(layout.start_info);
    TRY(site.memory.write(at, std::as_bytes(std::span{&info, 1})));
    TRY(site.memory.zero(at + sizeof(info), hv::page_size - sizeof(info)));
    return site.memory.zero(address_of(layout.stack), hv::page_size);
}

Done write_all(Site& site, const Kernel& kernel, const BootLayout& layout,
               std::span<const std::byte> initrd, const hv::abi::StartInfo& info) {
    for (const Segment& segment : kernel.segments) {
        TRY(write_segment(site, segment));
    }
    TRY(site.memory.write(address_of(layout.initrd.first), initrd));
    TRY(write_p2m_list(site, layout.p2m_list));
    TRY(write_tables(site, layout, layout.page_tables));
    TRY(write_tables(site, layout, layout.p2m_tables));
    TRY(write_start(site, layout, info));
    return write_m2p(site);
}

// Pseudo-physical memory has no hole. What the domain may balloon up to is memory, too: a kernel
// counts what is beyond start_info's nr_pages as ballooned out.
layout::MemoryMap memory_map(const launch::Domain& domain) {
    const uint64_t bytes = domain.max_memory_bytes > domain.memory_bytes ? domain.max_memory_bytes
                                                                         : domain.memory_bytes;
    layout::MemoryMap map;
    ASSERT(map.push({0, bytes, layout::MemoryType::Ram}).ok());
    return map;
}

PvStart start_of(const Kernel& kernel, const BootLayout& layout, const P2m& p2m) {
    const auto frame_at = [&](uint64_t virt) {
        return p2m.frame(Pfn{(virt - kernel.virt_base) >> hv::page_shift});
    };
    return {.entry = hv::GuestVaddr{kernel.entry},
            .stack = hv::GuestVaddr{layout.virt(layout.stack + 1)},
            .start_info = hv::GuestVaddr{layout.virt(layout.start_info)},
            .page_table = p2m.frame(layout.page_tables.first),
            .hypercall_page = kernel.hypercall_page
                                  ? std::optional{frame_at(*kernel.hypercall_page)}
                                  : std::nullopt};
}

}  // namespace

Checked<void> construct(Hypervisor& hypervisor, const launch::Domain& domain,
                        const Contents& contents, std::span<std::byte> scratch) {
    TRY(check_plan(domain));
    const Kernel kernel = TRY(checked_kernel(contents.kernel));
    const uint64_t pages = domain.memory_bytes >> hv::page_shift;
    const BootLayout layout = TRY(lay_out(kernel, contents.initrd.size(), pages));
    const P2m p2m{pages, domain.p2m, {.xenstore = layout.xenstore, .console = layout.console}};
    Site site{hypervisor, domain.domid, p2m, {hypervisor, domain.domid, p2m}, scratch};
    const auto info =
        make_start_info({.layout = layout,
                         .pages = pages,
                         .initrd_bytes = contents.initrd.size(),
                         .cmdline = domain.cmdline,
                         .console_evtchn = contents.has_console ? hv::abi::console_port : 0,
                         .store_evtchn = contents.has_xenstore ? hv::abi::xenstore_port : 0});
    TRY(accepted(write_all(site, kernel, layout, contents.initrd, info)));
    TRY(accepted(hypervisor.set_memory_map(domain.domid, memory_map(domain))));
    return accepted(hypervisor.set_pv_vcpu(domain.domid, start_of(kernel, layout, p2m)));
}

}  // namespace builder::pv
