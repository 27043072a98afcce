// SPDX-License-Identifier: Apache-2.0
// Exceptions and interrupts come when the processor would bring them: the trap of a single step
// also after an instruction that the hypervisor carries out, an interrupt as soon as CR8 lets it or
// the upcall before it has come, and no NMI before the IRET of the one before.
#include "domb/rt/event_channels.hpp"
#include "domb/rt/gate.hpp"
#include "domb/rt/guest_addresses.hpp"
#include "domb/rt/hypercall.hpp"
#include "domb/rt/instructions.hpp"
#include "hv/abi/xen_hvm.hpp"
#include "tests/guest/harness/guest.hpp"

#include <array>
#include <cstddef>
#include <optional>

// As events.S lays it out.
struct Step {
    uint64_t code, end;
    const char* instruction;
};

extern "C" {
extern const Step events_steps[], events_steps_end[];
void events_step(const void* code);
void events_blink();
extern volatile uint64_t events_step_from, events_db_rip, events_db_status;
extern volatile uint32_t events_interrupts, events_nmis, events_nmis_left, events_nmi_most;
extern volatile uint32_t events_upcalls, events_in_shadow;
extern hv::abi::VcpuInfo* volatile events_upcall_info;
extern std::byte events_on_debug[], events_on_nmi[], events_on_interrupt[], events_on_upcall[];
}

namespace {

constexpr unsigned vector_db = 1;
constexpr unsigned vector_nmi = 2;
constexpr unsigned vector_ours = 0x41;
constexpr unsigned vector_upcall = 0x51;

constexpr uint64_t apic_svr = 0xfee000f0;
constexpr uint64_t apic_icr = 0xfee00300;
constexpr uint32_t svr_enable = 0x1ff;
constexpr uint32_t icr_self = 1U << 18;
constexpr uint32_t icr_nmi = 4U << 8;  // to APIC id 0

constinit std::array<rt::Gate, 256> idt{};

void write_apic(uint64_t address, uint32_t value) {
    // SAFETY: identity mapping; a register of the APIC.
    *reinterpret_cast<volatile uint32_t*>(address) = value;
}

// On the stack that is in use: what interrupts a handler does not overwrite its frame.
void set_gate(unsigned vector, const std::byte* handler) {
    // SAFETY: gates hold addresses as numbers.
    const auto target = reinterpret_cast<uint64_t>(handler);
    idt[vector] = rt::interrupt_gate(target, 0);
}

// The runtime's gates, and ours.
void prepare() {
    rt::TablePointer before{};
    // SAFETY: stores a register.
    asm volatile("sidt %0" : "=m"(before));
    // SAFETY: identity mapping; the runtime's table.
    const auto* const gates = reinterpret_cast<const rt::Gate*>(before.base);
    for (size_t n = 0; n < (before.limit + 1U) / sizeof(rt::Gate); ++n) {
        idt[n] = gates[n];
    }
    set_gate(vector_db, events_on_debug);
    set_gate(vector_nmi, events_on_nmi);
    set_gate(vector_ours, events_on_interrupt);
    set_gate(vector_upcall, events_on_upcall);
    rt::load_idt({.limit = sizeof(idt) - 1, .base = reinterpret_cast<uint64_t>(idt.data())});
    write_apic(apic_svr, svr_enable);
}

void set_cr8(uint64_t value) {
    asm volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}
uint64_t cr8() {
    uint64_t value = 0;
    asm volatile("mov %%cr8, %0" : "=r"(value));
    return value;
}

// Without an exit, so that the hypervisor has no occasion to look what is pending.
template <class Condition>
void spin_until(Condition holds, std::string_view otherwise) {
    constexpr uint64_t patience_ticks = 1'000'000'000;
    const uint64_t start = rt::read_tsc();
    while (!holds()) {
        if (rt::read_tsc() - start > patience_ticks) {
            guest::fail(otherwise);
        }
    }
}

void expect_trap_behind(const Step& step) {
    constexpr uint64_t single_step = 1 << 14;
    events_step_from = step.code;
    events_db_rip = 0;
    // SAFETY: code of events.S.
    events_step(reinterpret_cast<const void*>(step.code));
    hv::TextOf<80> text;
    text.put("stepped over ").put(step.instruction);
    if (events_db_rip != step.end) {
        guest::fail(text.put(": the trap is off by").view(), events_db_rip - step.end);
    }
    if ((events_db_status & single_step) == 0) {
        guest::fail(text.put(": DR6").view(), events_db_status);
    }
}

void expect_interrupt_at_cr8() {
    asm volatile("sti" : : : "memory");
    set_cr8(0xf);
    write_apic(apic_icr, icr_self | vector_ours);
    if (cr8() != 0xf || events_interrupts != 0) {
        guest::fail("an interrupt that CR8 keeps back has come");
    }
    set_cr8(vector_ours >> 4);  // of its own class: still
    for (int n = 0; n < 1000; ++n) {
        if (events_interrupts != 0) {
            guest::fail("an interrupt has come that CR8 keeps back with its class");
        }
    }
    set_cr8(0);
    spin_until([] { return events_interrupts != 0; },
               "an interrupt does not come when CR8 lets it");
    asm volatile("cli" : : : "memory");
}

// With interrupts off, and again without an exit.
void expect_nmis_one_after_the_other() {
    static constexpr uint32_t count = 4;
    events_nmis_left = count - 1;
    write_apic(apic_icr, icr_nmi);
    spin_until([] { return events_nmis >= count; }, "an NMI is lost");
    if (events_nmi_most != 1) {
        guest::fail("NMIs within each other", events_nmi_most);
    }
}

constinit std::optional<rt::EventChannels> channels{};

// Both come without an exit between them but what their handlers make.
void expect_upcall_and_interrupt() {
    using namespace hv::abi;
    channels.emplace(rt::EventChannels::start());
    HvmParamArgs callback{.domid = DOMID_SELF,
                          .pad = 0,
                          .index = static_cast<uint32_t>(HvmParam::HVM_PARAM_CALLBACK_IRQ),
                          .value = HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | vector_upcall};
    EvtchnBindIpi ipi{};
    if (rt::hypercall(rt::Hypercall::hvm_op, HvmOp::HVMOP_set_param, &callback) != 0 ||
        rt::hypercall(rt::Hypercall::event_channel_op, EventChannelOp::EVTCHNOP_bind_ipi, &ipi) !=
            0) {
        guest::error("no upcalls");
    }
    const EvtchnUnmask unmask{ipi.port};
    rt::hypercall(rt::Hypercall::event_channel_op, EventChannelOp::EVTCHNOP_unmask, &unmask);
    events_interrupts = 0;
    // SAFETY: the shared info page is there now, and vcpu_info at its beginning.
    events_upcall_info = reinterpret_cast<VcpuInfo*>(rt::shared_info_gpaddr);
    channels->notify(ipi.port);
    write_apic(apic_icr, icr_self | vector_ours);
    asm volatile("sti" : : : "memory");
    spin_until([] { return events_interrupts != 0 && events_upcalls != 0; },
               "not both of an upcall and an interrupt have come");
    asm volatile("cli" : : : "memory");
}

// What STI allows is allowed behind the next instruction: STI and HLT would miss it.
void expect_none_in_the_shadow_of_sti() {
    using namespace hv::abi;
    EvtchnBindVirq timer{};
    timer.virq = static_cast<uint32_t>(Virq::VIRQ_TIMER);
    if (rt::hypercall(rt::Hypercall::event_channel_op, EventChannelOp::EVTCHNOP_bind_virq,
                      &timer) != 0) {
        guest::error("no timer");
    }
    const EvtchnUnmask unmask{timer.port};
    for (int n = 0; n < 300; ++n) {
        rt::hypercall(rt::Hypercall::event_channel_op, EventChannelOp::EVTCHNOP_unmask, &unmask);
        rt::hypercall(rt::Hypercall::set_timer_op, channels->now_ns() + 200'000);
        events_blink();
        channels->clear(timer.port);
    }
    if (events_in_shadow != 0) {
        guest::fail("interrupts right behind STI", events_in_shadow);
    }
}

// While an interrupt waits moves to control registers exit on some machines; they are carried out
// all the same, and the interrupt comes when it can.
void expect_moves_while_one_waits() {
    events_interrupts = 0;
    write_apic(apic_icr, icr_self | vector_ours);
    for (uint64_t n = 0; n < 100; ++n) {
        set_cr8(n % 16);
        if (cr8() != n % 16) {
            guest::fail("CR8 is", cr8());
        }
        // SAFETY: the same value; CR2 is nobody's.
        asm volatile("mov %%cr3, %%rax; mov %%rax, %%cr3; mov %0, %%cr2"
                     :
                     : "r"(n)
                     : "rax", "memory");
        uint64_t cr2 = 0;
        asm volatile("mov %%cr2, %0" : "=r"(cr2));
        if (cr2 != n) {
            guest::fail("CR2 is", cr2);
        }
    }
    if (events_interrupts != 0) {
        guest::fail("an interrupt has come while they are off");
    }
    set_cr8(0);
    asm volatile("sti" : : : "memory");
    spin_until([] { return events_interrupts != 0; }, "an interrupt is lost");
    asm volatile("cli" : : : "memory");
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    prepare();
    const uint64_t what = option(info, "only", ~uint64_t{0});
    for (const Step* step = events_steps; (what & 1) != 0 && step != events_steps_end; ++step) {
        expect_trap_behind(*step);
    }
    if ((what & 2) != 0) {
        expect_interrupt_at_cr8();
    }
    if ((what & 4) != 0) {
        expect_nmis_one_after_the_other();
    }
    if ((what & 8) != 0) {
        expect_upcall_and_interrupt();
        expect_none_in_the_shadow_of_sti();
    }
    if ((what & 16) != 0) {
        expect_moves_while_one_waits();
    }
}
