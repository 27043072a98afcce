// SPDX-License-Identifier: Apache-2.0
#include "domb/rt/address_space.hpp"

#include "domb/rt/instructions.hpp"
#include "hv/base/address.hpp"
#include "hv/base/assert.hpp"

#include <algorithm>

// From rt.ld and entry.S; only their addresses mean something.
extern "C" {
extern std::byte rt_text_start[], rt_rodata_start[], rt_data_start[], rt_image_end[];
extern std::byte rt_stack_guard[];
extern uint64_t rt_pml4[512];
extern uint64_t boot_pd[4 * 512];
extern uint64_t rt_image_tables[2 * 512];
}

namespace rt {
namespace {

// Page table entries ([apm2] 5.3.3).
constexpr uint64_t present = 1;
constexpr uint64_t writable = 2;
constexpr uint64_t large = 0x80;
constexpr uint64_t no_execute = uint64_t{1} << 63;
constexpr uint64_t table_flags = present | writable;

constexpr uint64_t large_bytes = uint64_t{1} << 21;
constexpr uint64_t directory_bytes = uint64_t{1} << 30;
constexpr uint64_t mapped_at_start = uint64_t{4} << 30;
constexpr uint64_t pdpt_bytes = uint64_t{1} << 39;

uint64_t number(const void* p) {
    // SAFETY: identity mapping: the address is the guest physical address.
    return reinterpret_cast<uint64_t>(p);
}

uint64_t* table_at(uint64_t entry) {
    // SAFETY: the entry was written here or by entry.S and names a page table of ours.
    return reinterpret_cast<uint64_t*>(hv::align_down(entry & ~no_execute, hv::page_size));
}

uint64_t image_page_flags(uint64_t at) {
    if (at == 0 || at == number(rt_stack_guard)) {
        return 0;
    }
    if (at >= number(rt_text_start) && at < number(rt_rodata_start)) {
        return present;
    }
    if (at >= number(rt_rodata_start) && at < number(rt_data_start)) {
        return present | no_execute;
    }
    return present | writable | no_execute;
}

}  // namespace

void protect_image() {
    for (uint64_t i = 0; i < 1024; ++i) {
        const uint64_t at = i * hv::page_size;
        const uint64_t flags = image_page_flags(at);
        rt_image_tables[i] = flags == 0 ? 0 : at | flags;
    }
    boot_pd[0] = number(rt_image_tables) | table_flags;
    boot_pd[1] = number(rt_image_tables + 512) | table_flags;
    reload_cr3();
}

size_t tables_needed(Range range) {
    const uint64_t end = range.address + range.bytes;
    if (range.bytes == 0 || end <= mapped_at_start) {
        return 0;
    }
    const uint64_t start = std::max(range.address, mapped_at_start);
    // One directory per GiB, and one more level for each 512 GiB.
    return (hv::align_up(end, directory_bytes) - hv::align_down(start, directory_bytes)) /
               directory_bytes +
           (hv::align_up(end, pdpt_bytes) - hv::align_down(start, pdpt_bytes)) / pdpt_bytes;
}

void map_more(Range range, std::span<std::byte> tables) {
    if (range.bytes == 0) {
        return;
    }
    size_t used = 0;
    const auto next_table = [&] {
        const auto page = tables.subspan(used, hv::page_size);
        used += hv::page_size;
        return number(page.data()) | table_flags;
    };
    const uint64_t end = range.address + range.bytes;
    uint64_t at = hv::align_down(std::max(range.address, mapped_at_start), directory_bytes);
    for (; at < end; at += directory_bytes) {
        uint64_t& root = rt_pml4[at / pdpt_bytes];
        if (root == 0) {
            root = next_table();
        }
        uint64_t& directory = table_at(root)[(at % pdpt_bytes) / directory_bytes];
        if (directory != 0) {
            continue;
        }
        directory = next_table();
        for (uint64_t i = 0; i < 512; ++i) {
            table_at(directory)[i] =
                (at + i * large_bytes) | present | writable | large | no_execute;
        }
    }
}

std::span<std::byte> bytes_of(Range range) {
    // SAFETY: identity mapping; the caller got the range from the hypervisor and mapped it.
    return {reinterpret_cast<std::byte*>(range.address), range.bytes};
}

}  // namespace rt
