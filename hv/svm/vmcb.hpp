// SPDX-License-Identifier: Apache-2.0
// The virtual machine control block: layout, and a class that keeps the clean bits true.
// [apm2] appendix B. The fields' comments give offset and clean bit.
#pragma once

#include "hv/base/address.hpp"

#include <cstddef>
#include <cstdint>

namespace hv::svm {

// Bits of the intercept words, [apm2] table B-1: word index * 32 + bit.
enum class Intercept : uint16_t {
    CR8_READ = 0 * 32 + 8,
    CR0_WRITE = 0 * 32 + 16,
    CR8_WRITE = 0 * 32 + 24,
    DR0_WRITE = 1 * 32 + 16,
    DR1_WRITE = 1 * 32 + 17,
    DR2_WRITE = 1 * 32 + 18,
    DR3_WRITE = 1 * 32 + 19,
    DR5_WRITE = 1 * 32 + 21,
    DR7_WRITE = 1 * 32 + 23,
    EXCEPTION_DB = 2 * 32 + 1,
    EXCEPTION_UD = 2 * 32 + 6,
    EXCEPTION_AC = 2 * 32 + 17,
    EXCEPTION_MC = 2 * 32 + 18,
    INTR = 3 * 32 + 0,
    NMI = 3 * 32 + 1,
    VINTR = 3 * 32 + 4,
    IDTR_WRITE = 3 * 32 + 10,
    GDTR_WRITE = 3 * 32 + 11,
    LDTR_WRITE = 3 * 32 + 12,
    TR_WRITE = 3 * 32 + 13,
    CPUID = 3 * 32 + 18,
    IRET = 3 * 32 + 20,
    INVD = 3 * 32 + 22,
    HLT = 3 * 32 + 24,
    INVLPGA = 3 * 32 + 26,
    IOIO_PROT = 3 * 32 + 27,
    MSR_PROT = 3 * 32 + 28,
    TASK_SWITCH = 3 * 32 + 29,
    SHUTDOWN = 3 * 32 + 31,
    VMRUN = 4 * 32 + 0,
    VMMCALL = 4 * 32 + 1,
    VMLOAD = 4 * 32 + 2,
    VMSAVE = 4 * 32 + 3,
    STGI = 4 * 32 + 4,
    CLGI = 4 * 32 + 5,
    SKINIT = 4 * 32 + 6,
    WBINVD = 4 * 32 + 9,
    MONITOR = 4 * 32 + 10,
    MWAIT = 4 * 32 + 11,
    MWAIT_ARMED = 4 * 32 + 12,
    RDPMC = 3 * 32 + 15,
};

struct VmcbControl {
    uint32_t intercept[6];           // 000  clean 0
    uint32_t rsvd_018[9];            // 018
    uint16_t pause_threshold;        // 03c  clean 0
    uint16_t pause_count;            // 03e  clean 0
    uint64_t iopm_base;              // 040  clean 1
    uint64_t msrpm_base;             // 048  clean 1
    uint64_t tsc_offset;             // 050  clean 0
    uint32_t asid;                   // 058  clean 2
    uint32_t tlb_control;            // 05c
    uint64_t int_ctl;                // 060  clean 3
    uint64_t int_state;              // 068
    uint64_t exitcode;               // 070
    uint64_t exitinfo1;              // 078
    uint64_t exitinfo2;              // 080
    uint64_t exitintinfo;            // 088
    uint64_t np_control;             // 090  clean 4
    uint64_t avic[2];                // 098
    uint64_t eventinj;               // 0a8
    uint64_t ncr3;                   // 0b0  clean 4
    uint64_t lbr_control;            // 0b8  clean 10
    uint32_t clean;                  // 0c0
    uint32_t rsvd_0c4;               // 0c4
    uint64_t nrip;                   // 0c8
    uint8_t instruction_byte_count;  // 0d0
    uint8_t instruction_bytes[15];   // 0d1
    uint64_t rsvd_0e0[100];          // 0e0
};
static_assert(sizeof(VmcbControl) == 0x400 && offsetof(VmcbControl, pause_threshold) == 0x3c &&
              offsetof(VmcbControl, int_ctl) == 0x60 && offsetof(VmcbControl, eventinj) == 0xa8 &&
              offsetof(VmcbControl, nrip) == 0xc8);

struct Segment {
    uint16_t selector;
    uint16_t attributes;
    uint32_t limit;
    uint64_t base;
};

struct VmcbSave {
    Segment es, cs, ss, ds;                                             // 000  clean 8
    Segment fs, gs;                                                     // 040  by VMLOAD
    Segment gdtr;                                                       // 060  clean 7
    Segment ldtr;                                                       // 070  by VMLOAD
    Segment idtr;                                                       // 080  clean 7
    Segment tr;                                                         // 090  by VMLOAD
    uint8_t rsvd_0a0[43];                                               // 0a0
    uint8_t cpl;                                                        // 0cb  clean 8
    uint32_t rsvd_0cc;                                                  // 0cc
    uint64_t efer;                                                      // 0d0  clean 5
    uint64_t rsvd_0d8[14];                                              // 0d8
    uint64_t cr4, cr3, cr0;                                             // 148  clean 5
    uint64_t dr7, dr6;                                                  // 160  clean 6
    uint64_t rflags, rip;                                               // 170
    uint64_t rsvd_180[11];                                              // 180
    uint64_t rsp;                                                       // 1d8
    uint64_t rsvd_1e0[3];                                               // 1e0
    uint64_t rax;                                                       // 1f8
    uint64_t star, lstar, cstar, sfmask;                                // 200  by VMLOAD
    uint64_t kernel_gs_base;                                            // 220  by VMLOAD
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;                   // 228  by VMLOAD
    uint64_t cr2;                                                       // 240  clean 9
    uint64_t rsvd_248[4];                                               // 248
    uint64_t g_pat;                                                     // 268  clean 4
    uint64_t dbgctl, br_from, br_to, last_except_from, last_except_to;  // 270  clean 10
    uint64_t rsvd_298[301];                                             // 298
};
static_assert(offsetof(VmcbSave, cpl) == 0xcb && offsetof(VmcbSave, efer) == 0xd0 &&
              offsetof(VmcbSave, cr4) == 0x148 && offsetof(VmcbSave, rsp) == 0x1d8 &&
              offsetof(VmcbSave, rax) == 0x1f8 && offsetof(VmcbSave, cr2) == 0x240 &&
              offsetof(VmcbSave, g_pat) == 0x268 && sizeof(VmcbSave) == 0xc00);

// Clean bits, [apm2] 15.15.3: the processor may reuse what it cached of the group.
enum class Clean : uint32_t {
    Intercepts = 1 << 0,
    Iopm = 1 << 1,
    Asid = 1 << 2,
    Tpr = 1 << 3,
    NestedPaging = 1 << 4,
    ControlRegisters = 1 << 5,
    DebugRegisters = 1 << 6,
    DescriptorTables = 1 << 7,
    Segments = 1 << 8,
    Cr2 = 1 << 9,
    Lbr = 1 << 10,
};

inline constexpr uint64_t v_irq = uint64_t{1} << 8;  // of int_ctl, [apm2] 15.21.1
inline constexpr uint64_t v_ign_tpr = uint64_t{1} << 20;
inline constexpr uint64_t v_intr_masking = uint64_t{1} << 24;
inline constexpr uint64_t v_tpr_mask = 0xff;
inline constexpr uint64_t int_shadow = 1;                   // of int_state
inline constexpr uint32_t tlb_flush_all = 1;                // of tlb_control
inline constexpr uint64_t event_valid = uint64_t{1} << 31;  // of eventinj and exitintinfo
inline constexpr uint64_t event_type_nmi = uint64_t{2} << 8;
inline constexpr uint64_t vector_nmi = 2;

// Every VMCB field is reached through `control` and `save`; after writing fields of a group, the
// writer calls changed(). run() of the exit path marks all clean once the processor has read it.
class Vmcb {
  public:
    VmcbControl& control() { return control_; }
    VmcbSave& save() { return save_; }
    [[nodiscard]] const VmcbControl& control() const { return control_; }
    [[nodiscard]] const VmcbSave& save() const { return save_; }

    void changed(Clean group) { control_.clean &= ~static_cast<uint32_t>(group); }
    // On another CPU, or another VMCB at this address, nothing cached holds. [apm2] 15.15.2.
    void all_changed() { control_.clean = 0; }
    void mark_clean() { control_.clean = 0x7ff; }
    void set_intercept(Intercept what, bool on) {
        const auto n = static_cast<unsigned>(what);
        uint32_t& word = control_.intercept[n / 32];
        const uint32_t bit = 1U << (n % 32);
        if (((word & bit) != 0) != on) {
            word ^= bit;
            changed(Clean::Intercepts);
        }
    }

  private:
    VmcbControl control_;
    VmcbSave save_;
};
static_assert(sizeof(Vmcb) == page_size);

}  // namespace hv::svm
