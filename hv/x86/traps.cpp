// SPDX-License-Identifier: Apache-2.0
#include "hv/x86/traps.hpp"

#include "hv/base/text.hpp"
#include "hv/dev/log.hpp"
#include "hv/x86/apic.hpp"
#include "hv/x86/cpu_local.hpp"
#include "hv/x86/instructions.hpp"
#include "hv/x86/selectors.hpp"

#include <array>

extern "C" const uint64_t trap_stubs[256];  // traps.S

namespace hv::x86 {

namespace {

struct Gate {  // [apm2] 4.8.4
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t rsvd_0c;
};
static_assert(sizeof(Gate) == 16);

constinit std::array<Gate, 256> idt{};

constexpr unsigned vector_nmi = 2;
constexpr unsigned vector_double_fault = 8;
constexpr unsigned vector_machine_check = 18;

uint8_t ist_of(unsigned vector) {
    if (vector == vector_nmi || vector == vector_machine_check) {
        return 1;
    }
    return vector == vector_double_fault ? 2 : 0;
}

}  // namespace

const void* idt_table() {
    return idt.data();
}

void build_idt() {
    for (unsigned v = 0; v < 256; ++v) {
        const uint64_t target = trap_stubs[v];
        idt[v] = {.offset_low = static_cast<uint16_t>(target),
                  .selector = SELECTOR_CODE64,
                  .ist = ist_of(v),
                  .type = 0x8e,  // present, interrupt gate
                  .offset_middle = static_cast<uint16_t>(target >> 16),
                  .offset_high = static_cast<uint32_t>(target >> 32),
                  .rsvd_0c = 0};
    }
}

}  // namespace hv::x86

// Called by traps.S with the frame it built.
extern "C" void handle_trap(const hv::x86::TrapFrame* frame) {
    using namespace hv;
    using x86::HostVector;
    if (frame->vector >= 0x20) {
        if (frame->vector != static_cast<uint64_t>(HostVector::Spurious)) {
            x86::apic_eoi();
        }
        if (frame->vector == static_cast<uint64_t>(HostVector::ConsoleInput)) {
            x86::this_cpu().input_is_due = true;
        }
        x86::this_cpu().was_interrupted = true;  // the run loop looks at timers and queues
        return;
    }
    TextOf<512> text;
    text.put("exception ").dec(frame->vector).put(" error ").hex(frame->error_code);
    text.put(" rip ")
        .hex(frame->rip)
        .put(" rsp ")
        .hex(frame->rsp)
        .put(" cr2 ")
        .hex(x86::read_cr2());
    text.put(" rax ").hex(frame->rax).put(" rbx ").hex(frame->rbx).put(" rcx ").hex(frame->rcx);
    text.put(" rdx ").hex(frame->rdx).put(" rsi ").hex(frame->rsi).put(" rdi ").hex(frame->rdi);
    text.put(" rbp ").hex(frame->rbp).put(" in the hypervisor");
    dev::stop(text.view());
}
