// SPDX-License-Identifier: Apache-2.0
// What every hypercall shares: numbers, reserved domain ids, multicall. [xen-pub] xen.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

// __HYPERVISOR_* (a name with two underscores is not ours to use). In RAX; arguments in RDI, RSI,
// RDX, R10, R8; the answer in RAX.
enum class Hypercall : uint64_t {
    set_trap_table = 0,
    mmu_update = 1,
    set_gdt = 2,
    stack_switch = 3,
    set_callbacks = 4,
    fpu_taskswitch = 5,
    sched_op_compat = 6,
    platform_op = 7,
    set_debugreg = 8,
    get_debugreg = 9,
    update_descriptor = 10,
    memory_op = 12,
    multicall = 13,
    update_va_mapping = 14,
    set_timer_op = 15,
    event_channel_op_compat = 16,
    xen_version = 17,
    console_io = 18,
    physdev_op_compat = 19,
    grant_table_op = 20,
    vm_assist = 21,
    update_va_mapping_otherdomain = 22,
    iret = 23,
    vcpu_op = 24,
    set_segment_base = 25,
    mmuext_op = 26,
    xsm_op = 27,
    nmi_op = 28,
    sched_op = 29,
    callback_op = 30,
    xenoprof_op = 31,
    event_channel_op = 32,
    physdev_op = 33,
    hvm_op = 34,
    sysctl = 35,
    domctl = 36,
    kexec_op = 37,
    tmem_op = 38,
    argo_op = 39,
    xenpmu_op = 40,
    dm_op = 41,
    hypfs_op = 42,
    arch_7 = 55,  // launch_op.hpp
};

inline constexpr uint16_t DOMID_FIRST_RESERVED = 0x7ff0;
inline constexpr uint16_t DOMID_SELF = 0x7ff0;
inline constexpr uint16_t DOMID_IO = 0x7ff1;
inline constexpr uint16_t DOMID_XEN = 0x7ff2;
inline constexpr uint16_t DOMID_COW = 0x7ff3;
inline constexpr uint16_t DOMID_INVALID = 0x7ff4;
inline constexpr uint16_t DOMID_IDLE = 0x7fff;

struct MulticallEntry {
    uint64_t op;      // 00
    uint64_t result;  // 08
    uint64_t args[6];
};
static_assert(sizeof(MulticallEntry) == 64);

enum class VmassistCmd : uint32_t {
    VMASST_CMD_enable = 0,
    VMASST_CMD_disable = 1,
};
inline constexpr uint32_t VMASST_TYPE_runstate_update_flag = 5;

}  // namespace hv::abi
