// SPDX-License-Identifier: Apache-2.0
// Fills one domain: kernel, initrd, tables and start info into its RAM, its memory map, and where
// its first vCPU starts. Measuring has happened before.
#pragma once

#include "domb/builder/hypervisor.hpp"
#include "domb/builder/refusal.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace builder {

struct Contents {
    std::span<const std::byte> kernel{};
    std::span<const std::byte> initrd{};        // may be empty
    std::span<const std::byte> console_plan{};  // may be empty
    uint64_t tpm_log_bytes = 0;                 // not 0: the domain gets the TPM
};

// `tables` is scratch memory for what goes below 1 MiB, of layout::tables_end - layout::tables
// bytes.
Checked<void> construct(Hypervisor& hypervisor, const launch::Domain& domain,
                        const Contents& contents, std::span<std::byte> tables);

}  // namespace builder
