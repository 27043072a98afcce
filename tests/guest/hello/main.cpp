// SPDX-License-Identifier: Apache-2.0
// The smallest guest: is what every PVH domain is promised there? Start info, RAM up to the last
// page of the memory map, the hypervisor's CPUID leaves.
#include "domb/rt/hypercall.hpp"
#include "domb/rt/instructions.hpp"
#include "hv/abi/xen_memory.hpp"
#include "tests/guest/harness/guest.hpp"

#include <array>

namespace {

constexpr uint32_t xen_leaf = 0x40000000;
constexpr uint64_t mapped_limit = uint64_t{1} << 32;
constexpr uint64_t image_end = 0x400000;

void check_cpuid() {
    const rt::Cpuid base = rt::cpuid(xen_leaf);
    if (base.ebx != 0x566e6558 || base.ecx != 0x65584d4d || base.edx != 0x4d4d566e) {
        guest::fail("CPUID does not say XenVMMXenVMM");
    }
    if (rt::cpuid(xen_leaf + 1).eax >> 16 != 4) {
        guest::fail("CPUID gives another version than 4.x", rt::cpuid(xen_leaf + 1).eax);
    }
}

// The last page of each range of RAM can be written and read.
void check_ram() {
    std::array<hv::abi::E820Entry, 32> entries{};
    hv::abi::MemoryMap map{};
    map.nr_entries = entries.size();
    map.buffer = rt::to_argument(entries.data());
    const int64_t result =
        rt::hypercall(rt::Hypercall::memory_op, hv::abi::MemoryOp::XENMEM_memory_map, &map);
    if (result != 0 || map.nr_entries == 0) {
        guest::fail("no memory map", static_cast<uint64_t>(result));
    }
    for (uint32_t i = 0; i < map.nr_entries; ++i) {
        const uint64_t end = entries[i].addr() + entries[i].size();
        if (entries[i].type != hv::abi::E820_RAM || end <= image_end || end > mapped_limit) {
            continue;
        }
        guest::poke(end - 8, 0x1122334455667788);
        if (guest::peek(end - 8) != 0x1122334455667788) {
            guest::fail("RAM is not there at", end - 8);
        }
    }
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    print("hello, my command line is \"");
    print(info.command_line());
    print("\"\n");
    check_cpuid();
    check_ram();
}
