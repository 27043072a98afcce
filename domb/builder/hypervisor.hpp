// SPDX-License-Identifier: Apache-2.0
// What domB asks of the hypervisor, so that its logic runs against a fake in unit tests.
// hypercalls.hpp is the real one.
#pragma once

#include "domb/builder/physical_layout.hpp"
#include "hv/abi/launch_op.hpp"
#include "hv/base/address.hpp"
#include "hv/base/result.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace builder {

// The hypervisor's errno, positive. Refuse the domain.
struct HypercallError {
    int64_t code = 0;
};
using Done = hv::Result<void, HypercallError>;

// How vCPU 0 of a PV domain starts.
struct PvStart {
    hv::GuestVaddr entry;
    hv::GuestVaddr stack;  // beyond its last byte
    hv::GuestVaddr start_info;
    hv::Gfn page_table;                     // the L4
    std::optional<hv::Gfn> hypercall_page;  // for the hypervisor to fill
};

class Hypervisor {
  public:
    // Copies bytes to the RAM of a domain under construction.
    virtual Done write(hv::DomainId domain, hv::GuestPaddr at,
                       std::span<const std::byte> bytes) = 0;
    // Fills RAM of a domain under construction with zeros: nobody has scrubbed it.
    virtual Done zero(hv::DomainId domain, hv::GuestPaddr at, uint64_t bytes) = 0;
    // The same for frames that need not follow one another: from `offset` in the first one on, and
    // as many as it takes.
    virtual Done write_frames(hv::DomainId domain, std::span<const hv::Gfn> frames, uint64_t offset,
                              std::span<const std::byte> bytes) = 0;
    virtual Done zero_frames(hv::DomainId domain, std::span<const hv::Gfn> frames, uint64_t offset,
                             uint64_t bytes) = 0;
    virtual Done set_memory_map(hv::DomainId domain, const layout::MemoryMap& map) = 0;
    // vCPU 0: entry point, and the start info's address in ebx.
    virtual Done set_vcpu(hv::DomainId domain, uint32_t eip, uint32_t ebx) = 0;
    virtual Done set_pv_vcpu(hv::DomainId domain, const PvStart& start) = 0;
    virtual Done built(hv::DomainId domain) = 0;
    // `why` names the place in the manifest and the refusal; what is too long of it is cut.
    virtual Done refused(hv::DomainId domain, std::string_view why) = 0;
    virtual Done cap(uint64_t log_used, bool measured) = 0;
    // One line of the launch record, from "event=" on.
    virtual void record(std::string_view line) = 0;
    // A line for people.
    virtual void print(std::string_view line) = 0;

  protected:
    ~Hypervisor() = default;
};

}  // namespace builder
