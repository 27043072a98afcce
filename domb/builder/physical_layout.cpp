// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/physical_layout.hpp"

#include "hv/base/address.hpp"

namespace builder::layout {

MemoryMap memory_map(uint64_t memory_bytes, uint64_t log_bytes) {
    MemoryMap map;
    const auto add = [&map](uint64_t start, uint64_t end, MemoryType type) {
        if (start < end) {
            ASSERT(map.push({start, end - start, type}).ok());
        }
    };
    const uint64_t low_end = low_ram_end(memory_bytes);
    add(0, tables, MemoryType::Ram);
    add(tables, tables_end, MemoryType::Acpi);
    add(tables_end, low_end, MemoryType::Ram);
    add(event_log, event_log + hv::align_up(log_bytes, hv::page_size), MemoryType::Reserved);
    add(special, special_end, MemoryType::Reserved);
    add(high_ram_start, high_ram_start + (memory_bytes - low_end), MemoryType::Ram);
    return map;
}

}  // namespace builder::layout
