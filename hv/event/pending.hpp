// SPDX-License-Identifier: Apache-2.0
// A port becomes pending, by the event ABI that the domain uses (two_level.hpp, fifo.hpp), and its
// vCPU is told. Used by the event channels and by whoever injects the upcall.
#pragma once

#include "hv/base/address.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"

#include <cstdint>
#include <optional>

namespace hv::event {

// With event::lock held: makes the port pending; unless it was already or is masked, tells the
// vCPU. Wakes vCPUs that poll the port.
void set_pending(domain::Domain& domain, EvtchnPort port, VcpuId notify);
// With event::lock held: forgets an event that the guest has not seen yet.
void clear_pending(domain::Domain& domain, EvtchnPort port);
// With event::lock held: clears the mask and tells the vCPU what it missed meanwhile.
void unmask_pending(domain::Domain& domain, EvtchnPort port, VcpuId notify);
[[nodiscard]] bool is_pending(const domain::Domain& domain, EvtchnPort port);

// Moves the vCPU's vcpu_info to another place (guest memory that stays pinned, or shared_info).
// Everything is marked pending there, so that no event is lost on the way.
void move_vcpu_info(domain::Vcpu& vcpu, abi::VcpuInfo* to);

// Whether the vCPU has an upcall to take as soon as RFLAGS.IF and the interrupt shadow allow it.
[[nodiscard]] bool upcall_wanted(const domain::Vcpu& vcpu);
// Its evtchn_upcall_mask, which only PV kernels use.
void set_upcall_mask(domain::Vcpu& vcpu, bool masked);
// The vector to inject for it: a PV kernel's callback or what the domain has chosen.
[[nodiscard]] std::optional<uint8_t> upcall_vector(const domain::Vcpu& vcpu);
// The vector to inject for it: HVM_PARAM_CALLBACK_IRQ, if the guest has chosen a vector.
[[nodiscard]] std::optional<uint8_t> callback_vector(const domain::Domain& domain);

}  // namespace hv::event
