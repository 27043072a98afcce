// SPDX-License-Identifier: Apache-2.0
// Everything a PVH kernel finds through ebx: start info, modules, memory map, command line, and the
// ACPI tables. Composed in private memory; construct.cpp copies it to the domain.
#pragma once

#include "domb/builder/physical_layout.hpp"
#include "domb/builder/table_area.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace builder {

struct StartInfoPlan {
    const launch::Domain& domain;
    const layout::MemoryMap& memory_map;
    uint64_t initrd = 0;  // gpaddr; with initrd_bytes 0 there is no such module
    uint64_t initrd_bytes = 0;
    std::span<const std::byte> service_plan{};  // the last module, unless empty
    uint64_t tpm_log_bytes = 0;                 // not 0: this domain gets the TPM and this log area
};

// The guest address of hvm_start_info.
uint64_t write_start_info(TableArea& area, const StartInfoPlan& plan);

}  // namespace builder
