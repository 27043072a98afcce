// SPDX-License-Identifier: Apache-2.0
// The hypercall table. The exit handler calls dispatch() for a VMMCALL of a 64-bit guest at CPL 0
// and has the general registers, RAX included, in Vcpu::registers.
#pragma once

#include "hv/domain/vcpu.hpp"
#include "hv/hypercall/call.hpp"

#include <cstdint>

namespace hv::hypercall {

enum class Completion : uint8_t {
    Done,   // RAX has the answer: advance RIP over the VMMCALL
    Again,  // the registers hold the rest of the call: leave RIP where it is
};

[[nodiscard]] Completion dispatch(domain::Vcpu& vcpu);

// One call, from registers or from a multicall's list.
Answer handle(Call& call);

}  // namespace hv::hypercall
