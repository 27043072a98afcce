// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/events.hpp"

namespace hv::svm {

namespace {

constexpr uint64_t event_type_exception = uint64_t{3} << 8;
constexpr uint64_t event_has_error_code = uint64_t{1} << 11;

}  // namespace

void inject_exception(Vmcb& vmcb, Exception vector, uint32_t error_code) {
    uint64_t event = event_valid | event_type_exception | static_cast<uint64_t>(vector);
    if (vector != Exception::UD && vector != Exception::DB) {
        event |= event_has_error_code | uint64_t{error_code} << 32;
    }
    vmcb.control().eventinj = event;
}

bool is_event_injected(const Vmcb& vmcb) {
    return (vmcb.control().eventinj & event_valid) != 0;
}

bool is_in_shadow(const Vmcb& vmcb) {
    return (vmcb.control().int_state & int_shadow) != 0;
}

void set_shadow(Vmcb& vmcb) {
    vmcb.control().int_state |= int_shadow;
}

void offer_interrupt(Vmcb& vmcb, uint8_t vector) {
    uint64_t& int_ctl = vmcb.control().int_ctl;
    constexpr uint64_t vector_mask = uint64_t{0xff} << 32;
    int_ctl = (int_ctl & ~vector_mask) | v_irq | v_ign_tpr | uint64_t{vector} << 32;
    vmcb.changed(Clean::Tpr);
    vmcb.set_intercept(Intercept::CR0_WRITE, true);
}

void await_task_priority(Vmcb& vmcb) {
    withdraw_interrupt(vmcb);
    vmcb.set_intercept(Intercept::CR0_WRITE, true);
}

void withdraw_interrupt(Vmcb& vmcb) {
    uint64_t& int_ctl = vmcb.control().int_ctl;
    if ((int_ctl & v_irq) != 0) {
        int_ctl &= ~v_irq;
        vmcb.changed(Clean::Tpr);
    }
    vmcb.set_intercept(Intercept::CR0_WRITE, false);
}

void set_task_priority(Vmcb& vmcb, uint8_t cr8) {
    uint64_t& int_ctl = vmcb.control().int_ctl;
    if ((int_ctl & v_tpr_mask) != cr8) {
        int_ctl = (int_ctl & ~v_tpr_mask) | cr8;
        vmcb.changed(Clean::Tpr);
    }
}

bool is_interrupt_waiting(const Vmcb& vmcb) {
    return (vmcb.control().int_ctl & v_irq) != 0;
}

}  // namespace hv::svm
