// SPDX-License-Identifier: Apache-2.0
// Arguments of vcpu_op, and the run-state area. [xen-pub] vcpu.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

enum class VcpuOp : uint32_t {
    VCPUOP_initialise = 0,
    VCPUOP_up = 1,
    VCPUOP_down = 2,
    VCPUOP_is_up = 3,
    VCPUOP_get_runstate_info = 4,
    VCPUOP_register_runstate_memory_area = 5,
    VCPUOP_set_periodic_timer = 6,
    VCPUOP_stop_periodic_timer = 7,
    VCPUOP_set_singleshot_timer = 8,
    VCPUOP_stop_singleshot_timer = 9,
    VCPUOP_register_vcpu_info = 10,
    VCPUOP_send_nmi = 11,
    VCPUOP_get_physid = 12,
    VCPUOP_register_vcpu_time_memory_area = 13,
};

enum class Runstate : uint32_t {
    RUNSTATE_running = 0,
    RUNSTATE_runnable = 1,
    RUNSTATE_blocked = 2,
    RUNSTATE_offline = 3,
};

// Set in state_entry_time while hv changes the area, if the guest asked for it by
// VMASST_TYPE_runstate_update_flag.
inline constexpr uint64_t XEN_RUNSTATE_UPDATE = uint64_t{1} << 63;

struct VcpuRunstateInfo {
    uint32_t state;  // 00  Runstate
    uint32_t rsvd_004;
    uint64_t state_entry_time;  // 08  ns
    uint64_t time[4];           // 10  ns spent per Runstate
};
static_assert(sizeof(VcpuRunstateInfo) == 48);

struct VcpuRegisterRunstateMemoryArea {
    union {
        uint64_t p;
    } addr;  // guest virtual
};

inline constexpr uint32_t VCPU_SSHOTTMR_future = 1 << 0;

struct VcpuSetSingleshotTimer {
    uint64_t timeout_abs_ns;  // 00
    uint32_t flags;           // 08
    uint32_t rsvd_00c;
};
static_assert(sizeof(VcpuSetSingleshotTimer) == 16);

struct VcpuRegisterVcpuInfo {
    uint64_t mfn;     // 00  gfn of a translated guest
    uint32_t offset;  // 08
    uint32_t rsvd;
};
static_assert(sizeof(VcpuRegisterVcpuInfo) == 16);

struct VcpuRegisterTimeMemoryArea {
    union {
        uint64_t p;
    } addr;  // guest virtual
};

}  // namespace hv::abi
