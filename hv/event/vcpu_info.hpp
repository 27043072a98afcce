// SPDX-License-Identifier: Apache-2.0
// A guest's own place for the vcpu_info of a vCPU (VCPUOP_register_vcpu_info). The page is pinned
// until the domain ends, because other CPUs write it at any time.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"

#include <cstdint>

namespace hv::event {

enum class VcpuInfoError : uint8_t {
    AlreadyRegistered,  // once per vCPU: refuse
    BadAddress,         // not in a page of own RAM, or across its end: refuse
};

Result<void, VcpuInfoError> register_vcpu_info(domain::Vcpu& vcpu, Gfn gfn, uint32_t offset);
// Back to shared_info; at teardown, before the domain's frames are given away.
void release_vcpu_info(domain::Domain& domain);

}  // namespace hv::event
