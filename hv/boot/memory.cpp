// SPDX-License-Identifier: Apache-2.0
#include "hv/boot/memory.hpp"

#include "hv/base/assert.hpp"
#include "hv/boot/free_frames.hpp"
#include "hv/boot/image.hpp"
#include "hv/dev/acpi.hpp"
#include "hv/x86/apic.hpp"
#include "hv/x86/instructions.hpp"

namespace hv::boot {

namespace {

constexpr Paddr tpm_base{0xfed40000};
constexpr uint64_t tpm_bytes = 5 * page_size;

Paddr address_of(const void* symbol) {
    return Paddr{reinterpret_cast<uint64_t>(symbol)};
}

template <class T, class E>
T must(Result<T, E> result, const char* what) {
    if (!result.ok()) {
        panic(__FILE__, __LINE__, what);
    }
    return result.take();
}
template <class E>
void must(Result<void, E> result, const char* what) {
    if (!result.ok()) {
        panic(__FILE__, __LINE__, what);
    }
}

PhysicalRange image_range() {
    return {address_of(image_start), static_cast<uint64_t>(image_end - image_start)};
}

void fill_frame_table(Machine& m, uint64_t frame_count) {
    const auto frames = must(m.arena.array<mm::FrameInfo>(frame_count), "no memory: frame table");
    mm::machine_frames.init(frames);
    for (const PhysicalRange& range : m.info.ram) {
        const mm::Extent e = inner(range);
        mm::machine_frames.set(e.first, e.count, mm::FrameUse::Hypervisor);
    }
    for (const mm::Extent& e : m.free_frames.ranges()) {
        mm::machine_frames.set(e.first, e.count, mm::FrameUse::Free);
    }
    for (const PhysicalRange& module : m.info.modules) {
        const mm::Extent e = outer(module);
        mm::machine_frames.set(e.first, e.count, mm::FrameUse::Module);
    }
}

// The page of the boot page tables; only CPUs that are starting use those, by physical address.
Paddr boot_stack_guard() {
    return Paddr{address_of(boot_stack_bottom).value() - page_size};
}

void map_image(Machine& m) {
    const auto map = [&](const void* from, const void* to, mm::Protection protection) {
        const uint64_t bytes = address_of(to) - address_of(from);
        must(m.host_map.map(address_of(from), bytes, protection), "host map");
    };
    map(image_start, image_rodata, mm::Protection::Code);
    map(image_rodata, image_data, mm::Protection::ReadOnly);
    map(image_data, image_end, mm::Protection::Data);
    must(m.host_map.unmap_page(boot_stack_guard()), "host map");
}

void build_host_map(Machine& m, uint64_t frame_count) {
    // Large pages map nearly all of it; the rest is the image, stacks and range ends.
    const uint64_t tables = 64 + frame_count / (512 * 512) + m.info.ram.size() * 6;
    const Mfn pool = must(m.arena.frames(tables), "no memory: host page tables");
    must(m.host_map.init({pool, tables}), "host map");
    for (const PhysicalRange& range : m.info.ram) {
        const mm::Extent e = outer(range);
        must(m.host_map.map(to_paddr(e.first), e.count << page_shift, mm::Protection::Data),
             "host map");
    }
    must(m.host_map.unmap_page(Paddr{0}), "host map");
    must(m.host_map.map(x86::apic_base, page_size, mm::Protection::Device), "host map");
    must(m.host_map.map(tpm_base, tpm_bytes, mm::Protection::Device), "host map");
    if (const auto com1 = dev::com1_route(m.acpi)) {
        must(m.host_map.map(com1->io_apic, page_size, mm::Protection::Device), "host map");
    }
    map_image(m);
}

}  // namespace

void start_memory(Machine& m) {
    must(find_free_frames(m.info, image_range(), m.free_frames), "memory map: too many ranges");
    const uint64_t frame_count = end_of_ram(m.info);
    fill_frame_table(m, frame_count);
    build_host_map(m, frame_count);
}

void use_host_map(const Machine& m) {
    x86::write_cr3(m.host_map.root().value());
}

uint64_t make_stack(Machine& m, uint64_t bytes) {
    const uint64_t frames = (bytes >> page_shift) + 1;
    const Mfn first = must(m.arena.frames(frames), "no memory: stack");
    must(m.host_map.unmap_page(to_paddr(first)), "host map");
    return to_paddr(first + frames).value();
}

}  // namespace hv::boot
