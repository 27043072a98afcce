// SPDX-License-Identifier: Apache-2.0
// The surroundings that the spike builds inside its own container: three page tables, descriptor
// tables with Xen's flat selectors, and the way into and out of them. Used by main.cpp and
// probes.cpp. Not a model of hv: one vCPU, nothing is checked.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spike {

inline constexpr uint64_t stub_base = 0xffff'8200'0000'0000;  // L4 slot 260
inline constexpr uint16_t hv_cs = 0xe008;
inline constexpr uint16_t hv_ss = 0xe010;
inline constexpr uint16_t flat_cs = 0xe033;
inline constexpr uint16_t flat_ss = 0xe02b;
inline constexpr uint64_t rflags_if = 0x202;
inline constexpr uint64_t unexpected = ~uint64_t{0};

enum class Table : uint8_t {
    KernelAtCpl3,  // the user bit everywhere but in the stub
    UserOfCpl3,    // no kernel
    Shared,        // kernel at CPL 0 and user
};

// As spike_enter in stub.S reads it.
struct Entry {
    uint64_t rip, cs, rflags, rsp, ss, cr3, rbx, rsi;
};

// What ran instead of CALL_END: an exception that nobody took.
struct Seen {
    uint64_t vector, error, cr2, rip;
};

// Builds everything; the guest keeps these descriptor tables for good.
void build();

uint64_t cr3_of(Table table);

// The entry for the page `spike_missing`, and what to store there to map it.
uint64_t* missing_entry(Table table);
uint64_t missing_value();

// The address in slot 260 of something in the stub's template.
uint64_t in_stub(const void* symbol);

// Where page faults go; the vector's ordinary stub when 0.
void set_fault_handler(uint64_t handler, uint64_t stack);
void set_syscall(uint64_t handler, bool masks_interrupts);
void forget_mode();

uint64_t enter(const Entry& entry);
Seen seen();

// Starts the code at `rip` as the user of variant A or B, or as its kernel.
Entry user_at(uint64_t rip, Table table);
Entry kernel_at(uint64_t rip, Table table);

template <class T>
uint64_t number(T* pointer) {
    // SAFETY: identity mapping; only the number is used.
    return reinterpret_cast<uint64_t>(pointer);
}

void run_probes(uint64_t syscall_at_cpl3, uint64_t syscall_at_cpl0, bool has_hypervisor);

}  // namespace spike

// From stub.S and kernel.S.
extern "C" {
extern std::byte spike_stub[], spike_stub_end[], spike_stub_data[], spike_enter[];
extern std::byte spike_gate_target[], spike_vectors[], spike_trap_stack_top[], spike_stack_top[];
extern std::byte spike_kernel_code[], spike_user_code[], spike_user_code_end[];
extern std::byte spike_user_probes[], spike_user_probes_end[];
extern std::byte spike_user_stack[], spike_missing[], spike_kernel_stack[];
extern std::byte spike_kernel_vcpu_info[], spike_kernel_data[];
extern uint64_t spike_gdt[], spike_tss_descriptor[2], spike_call_gate[2], spike_idt[], spike_tss[];
extern uint64_t spike_home_cr3, spike_kernel_cr3, spike_user_cr3, spike_kernel_sp;
extern uint64_t spike_to_kernel_syscall, spike_to_kernel_fault, spike_vcpu_info, spike_in_kernel;
extern uint64_t spike_seen_vector, spike_seen_error, spike_seen_rip, spike_seen_cr2;
extern uint64_t spike_kernel_calls, spike_missing_entry, spike_missing_value;
extern uint64_t spike_hypercall_page_iret, spike_frame_error, spike_frame_cs, spike_frame_ss;
}
