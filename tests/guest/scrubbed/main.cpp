// SPDX-License-Identifier: Apache-2.0
// All RAM of this domain that domB did not fill must be zero: nothing of domB, of a module or of
// another domain may be left in it.
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_memory.hpp"
#include "tests/guest/harness/guest.hpp"

#include <array>

namespace {

constexpr uint64_t image = 0x100000;
constexpr uint64_t image_end = 0x400000;  // of small domains, see domb/rt/rt.ld
constexpr uint64_t mapped_limit = uint64_t{1} << 32;

void check(uint64_t start, uint64_t end) {
    for (uint64_t at = start == 0 ? 0x1000 : start; at < end; at += 8) {  // page 0 is not mapped
        if (guest::peek(at) != 0) {
            guest::fail("RAM is not zero at", at);
        }
    }
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    if (info.module_count() != 0) {
        error("this guest takes no initrd");
    }
    std::array<hv::abi::E820Entry, 32> entries{};
    hv::abi::MemoryMap map{};
    map.nr_entries = entries.size();
    map.buffer = rt::to_argument(entries.data());
    if (rt::hypercall(rt::Hypercall::memory_op, hv::abi::MemoryOp::XENMEM_memory_map, &map) != 0) {
        error("no memory map");
    }
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < map.nr_entries; ++i) {
        const uint64_t end = entries[i].addr() + entries[i].size();
        if (entries[i].type == hv::abi::E820_RAM && end <= mapped_limit) {
            check(entries[i].addr() == image ? image_end : entries[i].addr(), end);
            bytes += entries[i].size();
        }
    }
    hv::TextOf<60> line;
    print(line.put("looked at ").dec(bytes >> 20).put(" MiB\n").view());
}
