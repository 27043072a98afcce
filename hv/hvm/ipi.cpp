// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/ipi.hpp"

#include "hv/domain/domain.hpp"
#include "hv/hvm/interrupts.hpp"
#include "hv/sched/sched.hpp"
#include "hv/svm/svm.hpp"

namespace hv::hvm {

namespace {

// Bits of Vcpu::startup; the page of STARTUP is in the low byte.
constexpr uint32_t init_received = 1U << 31;
constexpr uint32_t startup_received = 1U << 30;

// The first STARTUP counts: a processor that has one does not wait for another.
void note_startup(std::atomic<uint32_t>& startup, uint8_t page) {
    uint32_t before = startup.load(std::memory_order_relaxed);
    while ((before & startup_received) == 0 &&
           !startup.compare_exchange_weak(before, before | startup_received | page,
                                          std::memory_order_acq_rel)) {
    }
}

void deliver_to(domain::Vcpu& v, const Ipi& ipi) {
    switch (ipi.mode) {
        case DeliveryMode::Fixed:
        case DeliveryMode::LowestPriority:
            if (v.lapic->accept(ipi.vector)) {
                sched::wake(v);
            }
            break;
        case DeliveryMode::Nmi:
            v.nmi_pending.store(true, std::memory_order_release);
            sched::wake(v);
            break;
        case DeliveryMode::Init:
            v.startup.store(init_received, std::memory_order_release);
            sched::wake(v);
            break;
        case DeliveryMode::StartUp:
            note_startup(v.startup, ipi.vector);
            if (v.domain->state == domain::State::Running) {
                sched::set_online(v, true);
            }
            sched::wake(v);
            break;
        case DeliveryMode::Smi:
        case DeliveryMode::RemoteRead:
        case DeliveryMode::ExternalInterrupt:
            break;
    }
}

}  // namespace

void deliver(domain::Vcpu& sender, const Ipi& ipi) {
    if (sender.pv != nullptr) {
        return;  // PV kernels tell their vCPUs by events, and start them by vcpu_op
    }
    for (domain::Vcpu* v : sender.domain->vcpus) {
        if (!is_destination(ipi, v->lapic->address())) {
            continue;
        }
        deliver_to(*v, ipi);
        if (ipi.mode == DeliveryMode::LowestPriority) {
            return;
        }
    }
}

void start_if_asked(domain::Vcpu& v) {
    if (v.startup.load(std::memory_order_relaxed) == 0) {
        return;
    }
    const uint32_t asked = v.startup.exchange(0, std::memory_order_acq_rel);
    if ((asked & init_received) != 0) {
        v.is_initialised = false;
        v.lapic->init();
        forget_nmis(v);
        svm::reset(v.processor);
        svm::restore(v.processor);
    }
    // A second STARTUP finds the vCPU running and is ignored.
    if ((asked & startup_received) != 0 && !v.is_initialised) {
        svm::set_startup_state(*v.vmcb, v.registers, static_cast<uint8_t>(asked));
        v.is_initialised = true;
    }
}

}  // namespace hv::hvm
