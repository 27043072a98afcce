// SPDX-License-Identifier: Apache-2.0
#include "hv/event/pending.hpp"

#include "hv/abi/xen_hvm.hpp"
#include "hv/abi/xen_shared_info.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/sched/sched.hpp"

#include <atomic>

namespace hv::event {

namespace {

constexpr uint32_t bits_per_word = 64;

// The guest changes the same words with locked instructions; so do we.
std::atomic_ref<uint64_t> shared(uint64_t& word) {
    return std::atomic_ref{word};
}
std::atomic_ref<uint8_t> shared(uint8_t& byte) {
    return std::atomic_ref{byte};
}

uint64_t bit_of(EvtchnPort port) {
    return uint64_t{1} << (port.value() % bits_per_word);
}
uint64_t& word_of(uint64_t (&words)[bits_per_word], EvtchnPort port) {
    return words[port.value() / bits_per_word];
}

bool test_and_set(uint64_t& word, uint64_t bit) {
    return (shared(word).fetch_or(bit, std::memory_order_seq_cst) & bit) != 0;
}

void mark_upcall(domain::Vcpu& vcpu, abi::VcpuInfo& info) {
    if (shared(info.evtchn_upcall_pending).exchange(1, std::memory_order_seq_cst) == 0) {
        sched::wake(vcpu);
    }
}

// The port is pending and not masked: its word is worth a look.
void select(domain::Domain& domain, EvtchnPort port, VcpuId notify) {
    if (notify.value() >= domain.vcpus.size()) {
        return;
    }
    domain::Vcpu& vcpu = *domain.vcpus[notify.value()];
    abi::VcpuInfo* info = vcpu.info.load(std::memory_order_acquire);
    if (info == nullptr) {
        return;  // Registering one marks everything pending.
    }
    if (!test_and_set(info->evtchn_pending_sel, uint64_t{1} << (port.value() / bits_per_word))) {
        mark_upcall(vcpu, *info);
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
    abi::SharedInfo& info = *domain.shared_info;
    if (test_and_set(word_of(info.evtchn_pending, port), bit_of(port))) {
        return;
    }
    // Pending before the mask is read: a guest that unmasks looks at pending afterwards, so one of
    // the two sides sees the other.
    const uint64_t mask = shared(word_of(info.evtchn_mask, port)).load(std::memory_order_seq_cst);
    if ((mask & bit_of(port)) == 0) {
        select(domain, port, notify);
    }
    wake_pollers(domain, port);
}

void clear_pending(domain::Domain& domain, EvtchnPort port) {
    shared(word_of(domain.shared_info->evtchn_pending, port)).fetch_and(~bit_of(port));
}

void unmask_pending(domain::Domain& domain, EvtchnPort port, VcpuId notify) {
    abi::SharedInfo& info = *domain.shared_info;
    const uint64_t before = shared(word_of(info.evtchn_mask, port)).fetch_and(~bit_of(port));
    if ((before & bit_of(port)) != 0 && is_pending(domain, port)) {
        select(domain, port, notify);
    }
}

bool is_pending(const domain::Domain& domain, EvtchnPort port) {
    uint64_t& word = word_of(domain.shared_info->evtchn_pending, port);
    return (shared(word).load(std::memory_order_seq_cst) & bit_of(port)) != 0;
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
