// SPDX-License-Identifier: Apache-2.0
// Balloons up to its maximum and looks at every byte of the new memory for patterns of the boot
// modules: frames of domB and of modules come back scrubbed. The initrd is a list of patterns, made
// by tests/qemu/launch/patterns.py. Also: the maximum is exactly what it gets.
#include "domb/rt/address_space.hpp"
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/base/address.hpp"
#include "tests/guest/harness/guest.hpp"
#include "tests/guest/reclaimed/patterns.hpp"

#include <algorithm>
#include <array>

namespace {

using hv::abi::MemoryOp;
using rt::Hypercall;

constexpr uint64_t low_memory_end = 0xc0000000;  // of ARCHITECTURE.md's layout

uint64_t reservation(MemoryOp op) {
    hv::abi::MemoryDomain self{hv::abi::DOMID_SELF};
    const int64_t pages = rt::hypercall(Hypercall::memory_op, op, &self);
    if (pages < 0) {
        guest::fail("a reservation is refused");
    }
    return static_cast<uint64_t>(pages);
}

uint64_t end_of_ram() {
    std::array<hv::abi::E820Entry, 32> entries{};
    hv::abi::MemoryMap map{};
    map.nr_entries = entries.size();
    map.buffer = rt::to_argument(entries.data());
    if (rt::hypercall(Hypercall::memory_op, MemoryOp::XENMEM_memory_map, &map) != 0) {
        guest::error("no memory map");
    }
    uint64_t end = 0;
    for (uint32_t i = 0; i < map.nr_entries; ++i) {
        if (entries[i].type == hv::abi::E820_RAM) {
            end = std::max(end, entries[i].addr() + entries[i].size());
        }
    }
    return end;
}

// How many of `count` frames from `gfn` on it was given.
uint64_t populate(uint64_t gfn, uint64_t count) {
    static constinit std::array<uint64_t, 512> list{};
    uint64_t done = 0;
    while (done < count) {
        const uint64_t n = std::min<uint64_t>(count - done, list.size());
        for (uint64_t i = 0; i < n; ++i) {
            list[i] = gfn + done + i;
        }
        hv::abi::MemoryReservation args{};
        args.extent_start = rt::to_argument(list.data());
        args.nr_extents = n;
        args.domid = hv::abi::DOMID_SELF;
        const int64_t got =
            rt::hypercall(Hypercall::memory_op, MemoryOp::XENMEM_populate_physmap, &args);
        if (got < 0) {
            guest::fail("populate_physmap fails");
        }
        done += static_cast<uint64_t>(got);
        if (static_cast<uint64_t>(got) != n) {
            break;
        }
    }
    return done;
}

std::span<std::byte> page_at(uint64_t gpaddr) {
    return rt::bytes_of({gpaddr, hv::page_size});
}

// A search that finds nothing where there is something would prove nothing.
void test_the_search(const guest::Patterns& patterns, std::span<std::byte> page) {
    constexpr size_t odd = 1237;
    const std::span planted = page.subspan(odd, guest::pattern_bytes);
    std::array<std::byte, guest::pattern_bytes> before{};
    std::copy(planted.begin(), planted.end(), before.begin());
    for (size_t n = 0; n < patterns.count(); ++n) {
        std::copy_n(patterns.at(n).begin(), planted.size(), planted.begin());
        if (patterns.find_in(page) != n) {
            guest::error("a planted pattern is not found");
        }
    }
    std::copy(before.begin(), before.end(), planted.begin());
}

void search(const guest::Patterns& patterns, uint64_t start, uint64_t pages) {
    uint64_t not_empty = 0;
    for (uint64_t n = 0; n < pages; ++n) {
        const auto page = page_at(start + n * hv::page_size);
        if (guest::is_zero(page)) {
            continue;
        }
        ++not_empty;
        if (const auto found = patterns.find_in(page)) {
            guest::fail("new memory has bytes of a module: pattern", *found);
        }
    }
    hv::TextOf<100> line;
    line.put("searched ").dec(pages).put(" new frames for ").dec(patterns.count());
    guest::print(line.put(" patterns; not empty: ").dec(not_empty).put("\n").view());
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    if (info.module_count() != 1) {
        error("this guest takes a list of patterns as initrd");
    }
    static constinit Patterns patterns;
    if (!patterns.read(info.module(0))) {
        error("the list of patterns cannot be used");
    }
    const uint64_t now = reservation(MemoryOp::XENMEM_current_reservation);
    const uint64_t max = reservation(MemoryOp::XENMEM_maximum_reservation);
    const uint64_t start = end_of_ram();
    if (max <= now || start + ((max - now + 1) << hv::page_shift) > low_memory_end) {
        error("this guest needs a larger maximum, below 3 GiB");
    }
    const uint64_t got = populate(start >> hv::page_shift, max - now + 1);
    if (got != max - now) {
        fail("frames beyond the initial ones", got);
    }
    if (reservation(MemoryOp::XENMEM_current_reservation) != max) {
        fail("the reservation is not the maximum after growing to it");
    }
    search(patterns, start, got);
    test_the_search(patterns, page_at(start));
}
