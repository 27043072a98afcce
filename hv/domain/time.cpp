// SPDX-License-Identifier: Apache-2.0
#include "hv/domain/time.hpp"

#include "hv/abi/xen_shared_info.hpp"
#include "hv/dev/clock.hpp"

namespace hv::domain {

void write_time(abi::VcpuInfo& info) {
    const dev::TscScale& scale = dev::tsc_scale();
    // Nobody reads it yet; an even version says it is complete.
    info.time = {.version = 2,
                 .pad0 = 0,
                 .tsc_timestamp = scale.tsc_base,
                 .system_time = 0,
                 .tsc_to_system_mul = scale.mul,
                 .tsc_shift = scale.shift,
                 .flags = abi::XEN_PVCLOCK_TSC_STABLE_BIT,
                 .pad1 = {}};
}

void start_clock(Domain& d) {
    for (abi::VcpuInfo& info : d.shared_info->vcpu_info) {
        write_time(info);
    }
    const dev::WallClock at_boot = dev::wall_clock_at_boot();
    d.shared_info->wc_sec = static_cast<uint32_t>(at_boot.seconds);
    d.shared_info->wc_sec_hi = static_cast<uint32_t>(at_boot.seconds >> 32);
    d.shared_info->wc_nsec = at_boot.nanoseconds;
    d.shared_info->wc_version = 2;
}

}  // namespace hv::domain
