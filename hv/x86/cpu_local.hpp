// SPDX-License-Identifier: Apache-2.0
// CpuLocal: what each physical CPU has of its own, reached through GS. Its descriptor tables, its
// stacks' tops, and the vCPU it runs.
#pragma once

#include "hv/base/address.hpp"
#include "hv/x86/trap_layout.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace hv::domain {
struct Vcpu;
}

namespace hv::x86 {

inline constexpr size_t max_cpus = 64;
inline constexpr uint64_t stack_bytes = 4 * page_size;

struct Tss {  // [apm2] 12.2.5; fields at odd offsets are split to keep the layout without packing
    uint32_t rsvd_00;
    uint32_t rsp[6];
    uint32_t rsvd_1c[2];
    uint32_t ist[14];  // ist[2*n] is the low half of IST n+1
    uint32_t rsvd_5c[2];
    uint16_t rsvd_64;
    uint16_t iopb;
};
static_assert(sizeof(Tss) == 0x68 && offsetof(Tss, ist) == 0x24 && offsetof(Tss, iopb) == 0x66);

struct CpuLocal {
    CpuLocal* self = nullptr;  // gs:0
    CpuId id{};
    uint32_t apic_id = 0;
    domain::Vcpu* current = nullptr;
    Paddr host_vmcb{};               // VMSAVE area of the host's own segment state
    bool was_interrupted = false;    // set by every interrupt taken, cleared by who has looked
    bool amid_entry = false;         // one was taken where GIF should have held it back; cleared so
    bool input_is_due = false;       // the UART's interrupt came; cleared by who has looked
    uint64_t timer_deadline_ns = 0;  // what the APIC timer is armed for, 0 if it is not
    uint64_t nmi_stack = 0;          // tops of the stacks for IST 1 and 2
    uint64_t fault_stack = 0;
    Mfn host_save_area{};
    std::array<uint64_t, 6> gdt{};
    Tss tss{};
};
static_assert(offsetof(CpuLocal, self) == 0 && offsetof(CpuLocal, gdt) == CPU_LOCAL_GDT &&
              offsetof(CpuLocal, host_vmcb) == CPU_LOCAL_HOST_VMCB &&
              offsetof(CpuLocal, amid_entry) == CPU_LOCAL_AMID_ENTRY);

// Loads GDT, TSS, IDT and GS for this CPU. `nmi_stack` and `fault_stack` are the tops of the stacks
// for IST 1 (NMI, machine check) and IST 2 (double fault).
void install(CpuLocal& local, uint64_t nmi_stack, uint64_t fault_stack);

CpuLocal& this_cpu();

}  // namespace hv::x86
