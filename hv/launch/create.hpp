// SPDX-License-Identifier: Apache-2.0
// Makes one domain with everything it will ever own; used for the plan's domains and for domB.
#pragma once

#include "hv/abi/launch_op.hpp"
#include "hv/boot/machine.hpp"
#include "hv/domain/domain.hpp"

namespace hv::hyperlaunch {

struct DomainSpec {
    DomainId id{};
    std::string_view name;
    std::string_view path;
    uint64_t memory_bytes = 0;
    uint64_t max_memory_bytes = 0;  // what it may balloon up to; see reserve.hpp
    uint32_t vcpu_count = 1;
    uint64_t extra_table_frames = 0;  // nested tables beyond RAM's: what else will be mapped
    uint64_t served_grants = 0;       // of those whose devices it serves, see served_grants.hpp
    launch::CpuidPolicy cpuid{};
    bool is_pv = false;
};

enum class CreateError : uint8_t {
    NoMemory,  // the machine is too small for the plan
    TooLarge,  // more memory than a PV domain can have
};

// The initial RAM is allocated, mapped in the layout of ARCHITECTURE.md and recorded in the frame
// table; vCPUs exist but have no state. The domain is in domain::all().
Result<domain::Domain*, CreateError> create_domain(boot::Machine& machine, const DomainSpec& spec);

// Gives it one more page at gfn, zeroed, that it shares with a service or with hv. Not of its RAM:
// it cannot be given back.
void add_special_page(boot::Machine& machine, domain::Domain& domain, Gfn gfn);

// Guest physical layout: RAM below and above the hole.
inline constexpr uint64_t ram_hole_start = 0xc0000000;
inline constexpr uint64_t ram_hole_end = 0x100000000;
inline constexpr Gfn xenstore_gfn{0xfeffc};
inline constexpr Gfn recovery_reason_gfn{abi::recovery_reason_gpaddr >> page_shift};
inline constexpr Gfn console_gfn{0xfefff};
inline constexpr Gfn event_log_gfn{0xfc000};

}  // namespace hv::hyperlaunch
