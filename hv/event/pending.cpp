// SPDX-License-Identifier: Apache-2.0
#include "hv/event/pending.hpp"

#include "hv/abi/xen_hvm.hpp"
#include "hv/abi/xen_shared_info.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/event/two_level.hpp"
#include "hv/sched/sched.hpp"

#include <atomic>

namespace hv::event {

namespace {

// What the domain's ABI makes of it.
template <class Work>
auto by_abi(const domain::Domain& domain, Work work) {
    if (Fifo& fifo = domain.events->fifo(); fifo.is_used()) {
        return work(fifo);
    }
    TwoLevel two_level{*domain.shared_info};
    return work(two_level);
}

void mark_upcall(domain::Vcpu& vcpu) {
    abi::VcpuInfo* info = vcpu.info.load(std::memory_order_acquire);
    if (info == nullptr) {
        return;  // Registering one marks an upcall.
    }
    if (shared(info->evtchn_upcall_pending).exchange(1, std::memory_order_seq_cst) == 0) {
        sched::wake(vcpu);
    }
}

void wake_pollers(domain::Domain& domain, EvtchnPort port) {
    for (domain::Vcpu* vcpu : domain.vcpus) {
        const uint32_t polled = vcpu->polled_port.load(std::memory_order_relaxed);
        if (polled == port.value() || polled == polls_several) {
            vcpu->polled_port.store(0, std::memory_order_relaxed);
            sched::wake(*vcpu);
        }
    }
}

}  // namespace

void set_pending(domain::Domain& domain, EvtchnPort port, VcpuId notify) {
    domain::Vcpu& vcpu = *domain.vcpus[notify.value()];
    const Raised raised = by_abi(domain, [&](auto& abi) { return abi.raise(port, vcpu); });
    if (raised.wants_upcall) {
        mark_upcall(vcpu);
    }
    if (raised.is_new) {
        wake_pollers(domain, port);
    }
}

void clear_pending(domain::Domain& domain, EvtchnPort port) {
    by_abi(domain, [&](auto& abi) { abi.clear(port); });
}

void unmask_pending(domain::Domain& domain, EvtchnPort port, VcpuId notify) {
    domain::Vcpu& vcpu = *domain.vcpus[notify.value()];
    if (by_abi(domain, [&](auto& abi) { return abi.unmask(port, vcpu); }).wants_upcall) {
        mark_upcall(vcpu);
    }
}

bool is_pending(const domain::Domain& domain, EvtchnPort port) {
    return by_abi(domain, [&](const auto& abi) { return abi.is_pending(port); });
}

void move_vcpu_info(domain::Vcpu& vcpu, abi::VcpuInfo* to) {
    const LockGuard guard{lock};
    if (const abi::VcpuInfo* from = vcpu.info.load(std::memory_order_relaxed); from != nullptr) {
        *to = *from;
    } else {
        *to = {};
    }
    vcpu.info.store(to, std::memory_order_release);
    shared(to->evtchn_pending_sel).store(~uint64_t{0}, std::memory_order_seq_cst);
    shared(to->evtchn_upcall_pending).store(1, std::memory_order_seq_cst);
    sched::wake(vcpu);
}

bool upcall_wanted(const domain::Vcpu& vcpu) {
    abi::VcpuInfo* info = vcpu.info.load(std::memory_order_acquire);
    return info != nullptr &&
           shared(info->evtchn_upcall_pending).load(std::memory_order_seq_cst) != 0 &&
           !(vcpu.masks_upcalls &&
             shared(info->evtchn_upcall_mask).load(std::memory_order_seq_cst) != 0);
}

void set_upcall_mask(domain::Vcpu& vcpu, bool masked) {
    if (abi::VcpuInfo* info = vcpu.info.load(std::memory_order_acquire); info != nullptr) {
        shared(info->evtchn_upcall_mask).store(masked ? 1 : 0, std::memory_order_seq_cst);
    }
}

std::optional<uint8_t> upcall_vector(const domain::Vcpu& vcpu) {
    if (!vcpu.masks_upcalls) {
        return callback_vector(*vcpu.domain);
    }
    return vcpu.upcall_vector != 0 ? std::optional{vcpu.upcall_vector} : std::nullopt;
}

std::optional<uint8_t> callback_vector(const domain::Domain& domain) {
    // Set by HVMOP_set_param on another CPU perhaps; one word, read once.
    const uint64_t via = *const_cast<const volatile uint64_t*>(
        &domain.hvm_params[static_cast<size_t>(abi::HvmParam::HVM_PARAM_CALLBACK_IRQ)]);
    if (via >> 56 != abi::HVM_PARAM_CALLBACK_TYPE_VECTOR) {
        return std::nullopt;
    }
    return static_cast<uint8_t>(via);
}

}  // namespace hv::event
