// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/interrupts.hpp"

#include "hv/domain/domain.hpp"
#include "hv/event/pending.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/sched/sched.hpp"
#include "hv/svm/svm.hpp"

namespace hv::hvm {

namespace {

// Of EXITINTINFO, [apm2] 15.7.2.
constexpr uint64_t event_type_mask = 7;
constexpr uint64_t event_type_external = 0;
constexpr uint64_t event_type_nmi = 2;
constexpr uint64_t event_type_exception = 3;
constexpr uint64_t event_type_software = 4;
constexpr uint64_t vector_bp = 3;
constexpr uint64_t vector_of = 4;

uint64_t type_of(uint64_t event) {
    return (event >> 8) & event_type_mask;
}

// INT n, INT3 and INTO: RIP is still at the instruction, which the guest simply executes again.
bool repeats_itself(uint64_t event) {
    const uint64_t vector = event & 0xff;
    return type_of(event) == event_type_software ||
           (type_of(event) == event_type_exception && (vector == vector_bp || vector == vector_of));
}

bool is_of(uint64_t event, uint8_t vector) {
    return type_of(event) != event_type_nmi && (event & 0xff) == vector;
}

void offer_vector(domain::Vcpu& v, uint8_t vector, domain::OfferedBy by) {
    svm::offer_interrupt(*v.vmcb, vector);
    v.offered = by;
    v.offered_vector = vector;
}

// Into a kernel that gets NMIs as such; its handler ends with IRET.
void inject_nmi_if_due(domain::Vcpu& v) {
    if (v.masks_upcalls || v.nmi_handler != domain::NmiHandler::None ||
        svm::is_event_injected(*v.vmcb) ||
        !v.nmi_pending.exchange(false, std::memory_order_acq_rel)) {
        return;
    }
    v.vmcb->save().rip += v.halt_bytes;  // its handler returns behind the HLT
    v.vmcb->control().eventinj = svm::event_valid | svm::event_type_nmi | svm::vector_nmi;
    v.nmi_handler = domain::NmiHandler::Runs;
    v.vmcb->set_intercept(svm::Intercept::IRET, true);
}

// A PV kernel's stub runs with interrupts off and may not be interrupted by an NMI either, so there
// it is an interrupt of the same vector, which evtchn_upcall_mask does not mask.
// The APIC goes before the upcall: its handler ends with EOI, which exits, so that the other one is
// offered then; that of an upcall may not exit for long.
bool offer_anything(domain::Vcpu& v) {
    inject_nmi_if_due(v);
    if (v.masks_upcalls && v.nmi_pending.load(std::memory_order_acquire)) {
        offer_vector(v, svm::vector_nmi, domain::OfferedBy::Nmi);
        return true;
    }
    if (const auto vector = v.lapic->highest_deliverable()) {
        offer_vector(v, *vector, domain::OfferedBy::Lapic);
        return true;
    }
    if (event::upcall_wanted(v)) {
        if (const auto vector = event::upcall_vector(v)) {
            offer_vector(v, *vector, domain::OfferedBy::Upcall);
            return true;
        }
    }
    return false;
}

void note_shadow(domain::Vcpu& v) {
    if (!svm::is_in_shadow(*v.vmcb)) {
        v.shadow_entries = 0;
        return;
    }
    v.shadow_rip = v.vmcb->save().rip;
    ++v.shadow_entries;
}

// QEMU 7.2 has forgotten the shadow when a guest leaves again before its first instruction. A guest
// may also be there because it has jumped there.
void restore_shadow(domain::Vcpu& v) {
    constexpr uint8_t most_entries = 5;
    if (v.shadow_entries != 0 && v.shadow_entries < most_entries &&
        v.vmcb->save().rip == v.shadow_rip) {
        svm::set_shadow(*v.vmcb);
    }
}

void offer_nothing(domain::Vcpu& v) {
    v.offered = domain::OfferedBy::Nobody;
    if (v.lapic->is_kept_back() && !v.moves_to_control) {
        svm::await_task_priority(*v.vmcb);
    } else {
        svm::withdraw_interrupt(*v.vmcb);
    }
}

}  // namespace

bool has_pending(const domain::Vcpu& v) {
    if (v.startup.load(std::memory_order_acquire) != 0) {
        return true;
    }
    if (!v.is_initialised) {
        return false;  // waits for STARTUP and nothing else
    }
    if (v.nmi_pending.load(std::memory_order_acquire) &&
        v.nmi_handler == domain::NmiHandler::None) {
        return true;
    }
    // Without a vector nobody is interrupted by an upcall, however long it is pending.
    return v.sched.request != sched::Request::Halt &&
           ((event::upcall_wanted(v) && event::upcall_vector(v)) ||
            v.lapic->highest_deliverable().has_value());
}

void expire_timer(domain::Vcpu& v) {
    if (v.lapic->take_timer_due()) {
        v.lapic->expire(sched::now_ns());
        sched::set_lapic_timer(v, v.lapic->deadline_ns().value_or(0));
    }
}

void note_nmi_return(domain::Vcpu& v) {
    v.nmi_handler = domain::NmiHandler::Returns;
    v.nmi_return_rip = v.vmcb->save().rip;
    v.vmcb->set_intercept(svm::Intercept::IRET, false);
}

void forget_nmis(domain::Vcpu& v) {
    v.nmi_handler = domain::NmiHandler::None;
    v.halt_bytes = 0;
    v.vmcb->set_intercept(svm::Intercept::IRET, false);
}

void let_move_to_control(domain::Vcpu& v) {
    v.moves_to_control = true;
}

void look_again_if_due(domain::Vcpu& v) {
    const bool waits_for_iret = v.nmi_handler == domain::NmiHandler::Returns &&
                                v.nmi_pending.load(std::memory_order_acquire);
    const bool waits_for_shadow = svm::is_in_shadow(*v.vmcb) && has_pending(v);
    if (v.moves_to_control || waits_for_iret || waits_for_shadow) {
        sched::look_again_soon();
    }
}

void offer(domain::Vcpu& v) {
    // CR8 lives in V_TPR while the guest runs.
    svm::set_task_priority(*v.vmcb, v.lapic->cr8());
    note_shadow(v);
    const bool can_be_interrupted = !v.moves_to_control && !svm::is_in_shadow(*v.vmcb);
    if (!can_be_interrupted || !offer_anything(v)) {
        offer_nothing(v);
    }
    v.moves_to_control = false;
}

void settle(domain::Vcpu& v) {
    restore_shadow(v);
    if (v.nmi_handler == domain::NmiHandler::Returns && v.vmcb->save().rip != v.nmi_return_rip) {
        v.nmi_handler = domain::NmiHandler::None;
    }
    v.lapic->set_cr8(static_cast<uint8_t>(v.vmcb->control().int_ctl & svm::v_tpr_mask));
    const uint64_t cut_short = v.vmcb->control().exitintinfo;
    const bool is_cut_short = (cut_short & svm::event_valid) != 0;
    if (svm::is_interrupt_waiting(*v.vmcb)) {
        // The field may describe that very offer, as an exception even: the emulated machine
        // reports the delivery of V_IRQ so. Injecting it too would deliver it twice.
        if (is_cut_short && !is_of(cut_short, v.offered_vector) && !repeats_itself(cut_short)) {
            v.vmcb->control().eventinj = cut_short;
        }
        return;
    }
    if (v.offered != domain::OfferedBy::Nobody) {
        if (is_cut_short && type_of(cut_short) == event_type_external) {
            return;  // taken but not delivered: offer() offers it again
        }
        if (v.offered == domain::OfferedBy::Nmi) {
            v.nmi_pending.store(false, std::memory_order_release);
        }
        if (v.offered == domain::OfferedBy::Lapic) {
            v.lapic->begin_service(v.offered_vector);
        }
        v.offered = domain::OfferedBy::Nobody;
    }
    if (is_cut_short && !repeats_itself(cut_short)) {
        v.vmcb->control().eventinj = cut_short;
    }
}

}  // namespace hv::hvm
