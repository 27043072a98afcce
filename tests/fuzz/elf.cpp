// SPDX-License-Identifier: Apache-2.0
// Fuzz entry: a kernel file as domB reads it, as PVH and as PV, and where it is put.
#include "domb/builder/placement.hpp"
#include "domb/builder/pv/boot_layout.hpp"
#include "domb/builder/pv/page_tables.hpp"
#include "domb/builder/pvh_kernel.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace {

constexpr uint64_t memory_bytes = 256 << 20;

size_t sum_of(const builder::Segments& segments) {
    size_t sum = 0;
    for (const builder::Segment& segment : segments) {
        for (const std::byte b : segment.contents) {
            sum += static_cast<size_t>(b);
        }
    }
    return sum;
}

void expect(bool condition) {
    if (!condition) {
        abort();
    }
}

void try_pvh(std::span<const std::byte> file) {
    auto result = builder::read_kernel(file);
    if (!result.ok()) {
        return;
    }
    const builder::Kernel kernel = result.take();
    auto placed = builder::place(kernel, 0x12345 + sum_of(kernel.segments) % 2, memory_bytes);
    if (placed.ok()) {
        const uint64_t initrd = placed.take().initrd;
        for (const builder::Segment& s : kernel.segments) {
            expect(s.end() <= memory_bytes);
            expect(initrd >= s.end() || s.gpaddr >= initrd + 0x12346);
        }
    }
}

void try_pv(std::span<const std::byte> file) {
    auto result = builder::pv::read_kernel(file);
    if (!result.ok()) {
        return;
    }
    const builder::pv::Kernel kernel = result.take();
    constexpr uint64_t pages = memory_bytes >> hv::page_shift;
    auto laid_out = builder::pv::lay_out(kernel, 0x12345 + sum_of(kernel.segments) % 2, pages);
    if (!laid_out.ok()) {
        return;
    }
    const builder::pv::BootLayout layout = laid_out.take();
    expect(kernel.end <= layout.boot.pages << hv::page_shift && layout.boot.pages <= pages);
    expect(layout.stack.value() < layout.boot.pages);
    const builder::pv::P2m p2m{
        pages, launch::P2mOrder::Permuted, {layout.xenstore, layout.console}};
    for (const builder::pv::PageRun& run : {layout.page_tables, layout.p2m_tables}) {
        expect(run.end().value() <= pages);
        for (builder::pv::Pfn pfn = run.first; pfn < run.end(); pfn = pfn + 1) {
            // Only an L1 of an area's end may map nothing in a part; none maps nothing at all.
            uint64_t any = 0;
            for (const uint64_t entry : builder::pv::fill_table(layout, p2m, pfn)) {
                any |= entry;
            }
            expect((any & 1) != 0);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto file = std::as_bytes(std::span{data, size});
    try_pvh(file);
    try_pv(file);
    return 0;
}
