// SPDX-License-Identifier: Apache-2.0
#include "hv/event/vcpu_info.hpp"

#include "hv/abi/xen_shared_info.hpp"
#include "hv/domain/physmap.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/event/pending.hpp"
#include "hv/mm/direct_map.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv::event {

Result<void, VcpuInfoError> register_vcpu_info(domain::Vcpu& vcpu, Gfn gfn, uint32_t offset) {
    const bool fits =
        offset <= page_size - sizeof(abi::VcpuInfo) && offset % alignof(abi::VcpuInfo) == 0;
    if (!fits) {
        return Err{VcpuInfoError::BadAddress};
    }
    const LockGuard guard{vcpu.domain->lock};
    if (vcpu.info_registered) {
        return Err{VcpuInfoError::AlreadyRegistered};
    }
    const auto mfn = domain::own_ram(*vcpu.domain, gfn);
    if (!mfn) {
        return Err{VcpuInfoError::BadAddress};
    }
    mm::machine_frames.add_foreign_mapping(*mfn);
    vcpu.info_mfn = *mfn;
    vcpu.info_registered = true;
    move_vcpu_info(vcpu, mm::direct_map_as<abi::VcpuInfo>(Paddr{to_paddr(*mfn).value() + offset}));
    return Ok{};
}

void release_vcpu_info(domain::Domain& domain) {
    const LockGuard guard{domain.lock};
    for (domain::Vcpu* vcpu : domain.vcpus) {
        if (!vcpu->info_registered) {
            continue;
        }
        {
            const LockGuard events{lock};
            vcpu->info = vcpu->id.value() < abi::XEN_LEGACY_MAX_VCPUS
                             ? &domain.shared_info->vcpu_info[vcpu->id.value()]
                             : nullptr;
        }
        vcpu->info_registered = false;
        mm::machine_frames.drop_foreign_mapping(vcpu->info_mfn);
    }
}

}  // namespace hv::event
