// SPDX-License-Identifier: Apache-2.0
// What only a 64-bit PV kernel says to the hypervisor: traps, page tables, segments, callbacks.
// [xen-pub] xen.h, arch-x86/xen.h, arch-x86/xen-x86_64.h, callback.h, physdev.h, nmi.h.
// Start of day is xen_pv_start_info.hpp, what memory_op adds for PV is in xen_memory.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

// --- Selectors of the flat segments in every GDT, and the part of a GDT that is not the guest's.
inline constexpr uint16_t FLAT_RING3_CS32 = 0xe023;
inline constexpr uint16_t FLAT_RING3_CS64 = 0xe033;
inline constexpr uint16_t FLAT_RING3_DS32 = 0xe02b;
inline constexpr uint16_t FLAT_RING3_DS64 = 0x0000;
inline constexpr uint16_t FLAT_RING3_SS32 = 0xe02b;
inline constexpr uint16_t FLAT_RING3_SS64 = 0xe02b;
inline constexpr uint16_t FLAT_KERNEL_CS = FLAT_RING3_CS64;
inline constexpr uint16_t FLAT_KERNEL_DS = FLAT_RING3_DS64;
inline constexpr uint16_t FLAT_KERNEL_SS = FLAT_RING3_SS64;
inline constexpr uint16_t FLAT_USER_CS = FLAT_RING3_CS64;
inline constexpr uint16_t FLAT_USER_CS32 = FLAT_RING3_CS32;
inline constexpr uint16_t FLAT_USER_DS = FLAT_RING3_DS64;
inline constexpr uint16_t FLAT_USER_DS32 = FLAT_RING3_DS32;
inline constexpr uint16_t FLAT_USER_SS = FLAT_RING3_SS64;
inline constexpr uint16_t FLAT_USER_SS32 = FLAT_RING3_SS32;

inline constexpr unsigned FIRST_RESERVED_GDT_PAGE = 14;
inline constexpr unsigned FIRST_RESERVED_GDT_BYTE = 14 * 4096;
inline constexpr unsigned FIRST_RESERVED_GDT_ENTRY = FIRST_RESERVED_GDT_BYTE / 8;

// --- set_trap_table: an array that ends with address == 0.
struct TrapInfo {
    uint8_t vector;  // 00
    uint8_t flags;   // 01  TI_*
    uint16_t cs;     // 02
    uint32_t rsvd_004;
    uint64_t address;  // 08
};
static_assert(sizeof(TrapInfo) == 16);
inline constexpr uint8_t ti_dpl_mask = 3;  // TI_GET_DPL: from where `int n` may enter
inline constexpr uint8_t ti_if = 4;        // TI_GET_IF: mask events on entry

// --- mmu_update. The command is in the two low bits of ptr.
struct MmuUpdate {
    uint64_t ptr;  // 00  machine address
    uint64_t val;  // 08
};
static_assert(sizeof(MmuUpdate) == 16);

enum class MmuUpdateCmd : uint32_t {
    MMU_NORMAL_PT_UPDATE = 0,
    MMU_MACHPHYS_UPDATE = 1,
    MMU_PT_UPDATE_PRESERVE_AD = 2,
    MMU_PT_UPDATE_NO_TRANSLATE = 3,
};
inline constexpr uint64_t mmu_update_cmd_mask = 3;

// --- mmuext_op.
enum class MmuextCmd : uint32_t {
    MMUEXT_PIN_L1_TABLE = 0,
    MMUEXT_PIN_L2_TABLE = 1,
    MMUEXT_PIN_L3_TABLE = 2,
    MMUEXT_PIN_L4_TABLE = 3,
    MMUEXT_UNPIN_TABLE = 4,
    MMUEXT_NEW_BASEPTR = 5,
    MMUEXT_TLB_FLUSH_LOCAL = 6,
    MMUEXT_INVLPG_LOCAL = 7,
    MMUEXT_TLB_FLUSH_MULTI = 8,
    MMUEXT_INVLPG_MULTI = 9,
    MMUEXT_TLB_FLUSH_ALL = 10,
    MMUEXT_INVLPG_ALL = 11,
    MMUEXT_FLUSH_CACHE = 12,
    MMUEXT_SET_LDT = 13,
    MMUEXT_NEW_USER_BASEPTR = 15,
    MMUEXT_CLEAR_PAGE = 16,
    MMUEXT_COPY_PAGE = 17,
    MMUEXT_FLUSH_CACHE_GLOBAL = 18,
    MMUEXT_MARK_SUPER = 19,
    MMUEXT_UNMARK_SUPER = 20,
};

struct MmuextOp {
    uint32_t cmd;  // 00
    uint32_t rsvd_004;
    union {
        uint64_t mfn;          // pin, unpin, base pointers, clear, copy, superpages
        uint64_t linear_addr;  // invlpg, set LDT
    } arg1;                    // 08
    union {
        uint32_t nr_ents;   // set LDT
        uint64_t vcpumask;  // *_MULTI: handle of a bitmap
        uint64_t src_mfn;   // copy
    } arg2;                 // 10
};
static_assert(sizeof(MmuextOp) == 24);

// --- Third argument of update_va_mapping. With UVMF_MULTI a pointer to a vCPU bitmap is or-ed in.
inline constexpr uint64_t UVMF_NONE = 0;
inline constexpr uint64_t UVMF_TLB_FLUSH = 1;
inline constexpr uint64_t UVMF_INVLPG = 2;
inline constexpr uint64_t UVMF_FLUSHTYPE_MASK = 3;
inline constexpr uint64_t UVMF_MULTI = 0;
inline constexpr uint64_t UVMF_LOCAL = 0;
inline constexpr uint64_t UVMF_ALL = 4;

// --- vm_assist types; VMASST_TYPE_runstate_update_flag is in xen_hypercall.hpp.
inline constexpr uint32_t VMASST_TYPE_4gb_segments = 0;
inline constexpr uint32_t VMASST_TYPE_4gb_segments_notify = 1;
inline constexpr uint32_t VMASST_TYPE_writable_pagetables = 2;
inline constexpr uint32_t VMASST_TYPE_pae_extended_cr3 = 3;
inline constexpr uint32_t VMASST_TYPE_architectural_iopl = 4;
inline constexpr uint32_t VMASST_TYPE_m2p_strict = 32;

// --- set_segment_base.
enum class SegmentBase : uint32_t {
    SEGBASE_FS = 0,
    SEGBASE_GS_USER = 1,
    SEGBASE_GS_KERNEL = 2,
    SEGBASE_GS_USER_SEL = 3,
};

// --- callback_op.
enum class CallbackOp : uint32_t {
    CALLBACKOP_register = 0,
    CALLBACKOP_unregister = 1,
};
enum class CallbackType : uint16_t {
    CALLBACKTYPE_event = 0,
    CALLBACKTYPE_failsafe = 1,
    CALLBACKTYPE_syscall = 2,
    CALLBACKTYPE_sysenter_deprecated = 3,
    CALLBACKTYPE_nmi = 4,
    CALLBACKTYPE_sysenter = 5,
    CALLBACKTYPE_syscall32 = 7,
};
inline constexpr uint16_t CALLBACKF_mask_events = 1 << 0;

struct CallbackRegister {
    uint16_t type;   // 00
    uint16_t flags;  // 02
    uint32_t rsvd_004;
    uint64_t address;  // 08
};
static_assert(sizeof(CallbackRegister) == 16);

struct CallbackUnregister {
    uint16_t type;
    uint16_t _unused;
};

// --- nmi_op.
enum class NmiOp : uint32_t {
    XENNMI_register_callback = 0,
    XENNMI_unregister_callback = 1,
};
struct XennmiCallback {
    uint64_t handler_address;
    uint64_t pad;
};

// --- physdev_op, as far as an unprivileged domain has a use for it.
enum class PhysdevOp : uint32_t {
    PHYSDEVOP_set_iopl = 6,
    PHYSDEVOP_set_iobitmap = 7,
};
struct PhysdevSetIopl {
    uint32_t iopl;
};
struct PhysdevSetIobitmap {
    uint64_t bitmap;  // 00  handle
    uint32_t nr_ports;
    uint32_t rsvd_00c;
};
static_assert(sizeof(PhysdevSetIobitmap) == 16);

// --- iret: what the kernel's stack holds at the hypercall.
struct IretContext {
    uint64_t rax, r11, rcx, flags;  // flags: VGCF_in_syscall
    uint64_t rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(IretContext) == 72);

// --- VCPUOP_initialise.
inline constexpr uint64_t VGCF_i387_valid = 1 << 0;
inline constexpr uint64_t VGCF_in_kernel = 1 << 2;
inline constexpr uint64_t VGCF_failsafe_disables_events = 1 << 3;
inline constexpr uint64_t VGCF_syscall_disables_events = 1 << 4;
inline constexpr uint64_t VGCF_online = 1 << 5;
inline constexpr uint64_t VGCF_in_syscall = 1 << 8;

struct CpuUserRegs {
    uint64_t r15, r14, r13, r12, rbp, rbx;     // 00
    uint64_t r11, r10, r9, r8, rax, rcx, rdx;  // 30
    uint64_t rsi, rdi;                         // 68
    uint32_t error_code;                       // 78
    uint32_t entry_vector;                     // 7c
    uint64_t rip;                              // 80
    uint16_t cs, rsvd_08a[1];                  // 88
    uint8_t saved_upcall_mask;                 // 8c
    uint8_t rsvd_08d[3];
    uint64_t rflags;           // 90  IF == !saved_upcall_mask
    uint64_t rsp;              // 98
    uint16_t ss, rsvd_0a2[3];  // a0
    uint16_t es, rsvd_0aa[3];  // a8
    uint16_t ds, rsvd_0b2[3];  // b0
    uint16_t fs, rsvd_0ba[3];  // b8
    uint16_t gs, rsvd_0c2[3];  // c0
};
static_assert(sizeof(CpuUserRegs) == 200 && offsetof(CpuUserRegs, rflags) == 0x90);

struct VcpuGuestContext {
    uint8_t fpu_ctxt[512];  // 0000  FXSAVE area, if VGCF_i387_valid
    uint64_t flags;         // 0200  VGCF_*
    CpuUserRegs user_regs;  // 0208
    TrapInfo trap_ctxt[256];
    uint64_t ldt_base, ldt_ents;
    uint64_t gdt_frames[16], gdt_ents;
    uint64_t kernel_ss, kernel_sp;
    uint64_t ctrlreg[8];  // [1] is the user page table, in the form of CR3
    uint64_t debugreg[8];
    uint64_t event_callback_eip;
    uint64_t failsafe_callback_eip;
    uint64_t syscall_callback_eip;
    uint64_t vm_assist;
    uint64_t fs_base;
    uint64_t gs_base_kernel;
    uint64_t gs_base_user;
};
static_assert(sizeof(VcpuGuestContext) == 5168 && offsetof(VcpuGuestContext, trap_ctxt) == 0x2d0);

// --- Bytes before CPUID that ask for Xen's answer: XEN_EMULATE_PREFIX.
inline constexpr uint8_t xen_emulate_prefix[] = {0x0f, 0x0b, 0x78, 0x65, 0x6e};

}  // namespace hv::abi
