// SPDX-License-Identifier: Apache-2.0
// The memory map that a domain is told, in e820 form. The builder writes it once.
#include "hv/abi/xen_memory.hpp"
#include "hv/hypercall/memory_op.hpp"

#include <algorithm>

namespace hv::hypercall {

namespace {

using Map = decltype(domain::Domain::memory_map);

abi::E820Entry to_e820(const domain::MemoryMapEntry& entry) {
    return {.addr_lo = static_cast<uint32_t>(entry.address),
            .addr_hi = static_cast<uint32_t>(entry.address >> 32),
            .size_lo = static_cast<uint32_t>(entry.size),
            .size_hi = static_cast<uint32_t>(entry.size >> 32),
            .type = entry.type};
}

}  // namespace

Answer memory_map(Call& call) {
    auto args = TRY(read<abi::MemoryMap>(call, call.pointer(1)));
    // Frozen since construction ended, so it needs no lock.
    const Map& map = call.domain().memory_map;
    if (map.empty()) {
        return fail(Errno::XEN_ENOSYS);
    }
    args.nr_entries = std::min(args.nr_entries, static_cast<uint32_t>(map.size()));
    for (uint32_t n = 0; n < args.nr_entries; ++n) {
        TRY(write(call, element<abi::E820Entry>(GuestVaddr{args.buffer}, n), to_e820(map[n])));
    }
    TRY(write(call, call.pointer(1), args));
    return 0;
}

Answer set_memory_map(Call& call) {
    const auto args = TRY(read<abi::ForeignMemoryMap>(call, call.pointer(1)));
    domain::Domain* target = TRY(self_or_under_construction(call, args.domid));
    if (!call.domain().is_builder || target == &call.domain()) {
        return fail(Errno::XEN_EPERM);
    }
    if (args.map.nr_entries > Map::capacity()) {
        return fail(Errno::XEN_EINVAL);
    }
    Map map;
    for (uint32_t n = 0; n < args.map.nr_entries; ++n) {
        const auto entry = TRY(
            read<abi::E820Entry>(call, element<abi::E820Entry>(GuestVaddr{args.map.buffer}, n)));
        // Cannot fail: the count is below the capacity.
        map.push({entry.addr(), entry.size(), entry.type}).take();
    }
    const LockGuard guard{target->lock};
    target->memory_map = map;
    return 0;
}

// The last page of RAM in the map.
Answer maximum_gpfn(Call& call) {
    const auto args = TRY(read<abi::MemoryDomain>(call, call.pointer(1)));
    const domain::Domain* target = TRY(self_or_under_construction(call, args.domid));
    uint64_t end = 0;
    for (const domain::MemoryMapEntry& entry : target->memory_map) {
        if (entry.type == abi::E820_RAM) {
            end = std::max(end, entry.address + entry.size);
        }
    }
    return end == 0 ? 0 : (end - 1) >> page_shift;
}

}  // namespace hv::hypercall
