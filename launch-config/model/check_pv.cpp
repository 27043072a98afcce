// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/check_pv.hpp"

#include "launch-config/binding/canonical.hpp"

namespace launch::model {
namespace {

constexpr size_t longest_cmdline = 1023;  // start_info has 1024 bytes ([xen-pub] xen.h)
constexpr uint64_t largest_memory = uint64_t{63} << 30;  // hv/abi/pv_layout.hpp: the M2P's room

}  // namespace

void check_pv(const DomainSpec& domain, Diagnostics& diagnostics) {
    if (domain.type.value != DomainType::Pv) {
        if (domain.pv_place) {
            diagnostics.add(*domain.pv_place, "the domain is not of type \"pv\"",
                            "expected no \"pv\", or that type");
        }
        return;
    }
    for (const At<Role>& role : domain.roles) {
        diagnostics.add(role.place,
                        "a PV domain cannot have the role " + quote(to_string(role.value)),
                        role.value == Role::Tpm
                            ? "expected it at a PVH domain: its kernel finds the TPM through ACPI"
                            : "expected it at a PVH domain");
    }
    if (domain.cmdline.size() > longest_cmdline) {
        diagnostics.add(domain.cmdline_place,
                        "the command line has " + std::to_string(domain.cmdline.size()) + " bytes",
                        "expected at most " + std::to_string(longest_cmdline) + " of a PV domain");
    }
    if (domain.max_memory_bytes.value > largest_memory) {
        diagnostics.add(domain.max_memory_bytes.place,
                        "memory is " + format_size(domain.max_memory_bytes.value),
                        "expected at most " + format_size(largest_memory) + " of a PV domain");
    }
}

}  // namespace launch::model
