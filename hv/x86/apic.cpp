// SPDX-License-Identifier: Apache-2.0
#include "hv/x86/apic.hpp"

#include "hv/mm/direct_map.hpp"
#include "hv/x86/instructions.hpp"
#include "hv/x86/registers.hpp"

namespace hv::x86 {

namespace {

enum class ApicReg : uint32_t {  // [apm2] table 16-2
    ID = 0x20,
    TPR = 0x80,
    EOI = 0xb0,
    SVR = 0xf0,
    ICR_LOW = 0x300,
    ICR_HIGH = 0x310,
    LVT_TIMER = 0x320,
    LVT_LINT0 = 0x350,
    LVT_LINT1 = 0x360,
    LVT_ERROR = 0x370,
    TIMER_INITIAL = 0x380,
    TIMER_CURRENT = 0x390,
    TIMER_DIVIDE = 0x3e0,
};

constexpr uint32_t lvt_masked = 1U << 16;
constexpr uint32_t icr_init = 5U << 8;
constexpr uint32_t icr_startup = 6U << 8;
constexpr uint32_t icr_nmi = 4U << 8;
constexpr uint32_t icr_assert = 1U << 14;
constexpr uint32_t icr_pending = 1U << 12;
constexpr uint32_t icr_all_but_self = 3U << 18;
constexpr uint32_t divide_by_1 = 0xb;

// SAFETY: the page is mapped uncached by the host page table and belongs to this CPU's APIC.
volatile uint32_t& reg(ApicReg r) {
    return *mm::direct_map_as<volatile uint32_t>(apic_base + static_cast<uint64_t>(r));
}

void send(uint32_t destination, uint32_t command) {
    while ((reg(ApicReg::ICR_LOW) & icr_pending) != 0) {
        pause();
    }
    reg(ApicReg::ICR_HIGH) = destination << 24;
    reg(ApicReg::ICR_LOW) = command;
}

}  // namespace

void apic_enable() {
    const uint64_t base = rdmsr(static_cast<uint32_t>(Msr::APIC_BASE));
    wrmsr(static_cast<uint32_t>(Msr::APIC_BASE), base | 1U << 11);
    reg(ApicReg::TPR) = 0;
    reg(ApicReg::LVT_TIMER) = lvt_masked;
    reg(ApicReg::LVT_LINT0) = lvt_masked;
    reg(ApicReg::LVT_LINT1) = lvt_masked;
    reg(ApicReg::LVT_ERROR) = lvt_masked;
    reg(ApicReg::TIMER_DIVIDE) = divide_by_1;
    reg(ApicReg::SVR) = 1U << 8 | static_cast<uint32_t>(HostVector::Spurious);
}

uint32_t apic_id() {
    return reg(ApicReg::ID) >> 24;
}
void apic_eoi() {
    reg(ApicReg::EOI) = 0;
}

void apic_send_ipi(uint32_t apic_id, HostVector vector) {
    send(apic_id, icr_assert | static_cast<uint32_t>(vector));
}
void apic_send_nmi_to_others() {
    send(0, icr_all_but_self | icr_assert | icr_nmi);
}
void apic_send_init(uint32_t apic_id) {
    send(apic_id, icr_assert | icr_init);
}
void apic_send_startup(uint32_t apic_id, uint8_t page) {
    send(apic_id, icr_assert | icr_startup | page);
}

void apic_timer_start(uint32_t ticks) {
    reg(ApicReg::LVT_TIMER) = static_cast<uint32_t>(HostVector::Timer);
    reg(ApicReg::TIMER_INITIAL) = ticks;
}
void apic_timer_start_silent(uint32_t ticks) {
    reg(ApicReg::LVT_TIMER) = lvt_masked | static_cast<uint32_t>(HostVector::Timer);
    reg(ApicReg::TIMER_INITIAL) = ticks;
}
uint32_t apic_timer_left() {
    return reg(ApicReg::TIMER_CURRENT);
}

}  // namespace hv::x86
