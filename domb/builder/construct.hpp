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
    std::span<const std::byte> service_plan{};  // may be empty
    uint64_t tpm_log_bytes = 0;                 // not 0: the domain gets the TPM
    bool has_console = false;                   // some other domain drains its console ring
    bool has_xenstore = false;                  // some other domain answers its Xenstore ring
};

// How much scratch memory it takes to compose what a domain is given.
inline constexpr size_t scratch_bytes = layout::tables_end - layout::tables;

// `scratch` has scratch_bytes.
Checked<void> construct(Hypervisor& hypervisor, const launch::Domain& domain,
                        const Contents& contents, std::span<std::byte> scratch);

// For the constructors of each type.
Checked<void> accepted(const Done& done);
// Zeros at the end are cheaper written than copied: a third of Debian's kernel, whose .bss stands
// in the file.
std::span<const std::byte> without_zeros_at_end(std::span<const std::byte> bytes);

}  // namespace builder
