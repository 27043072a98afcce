// SPDX-License-Identifier: Apache-2.0
// How long the instruction is that a vCPU left its container with: the emulated machine does not
// say. Not for VMMCALL, whose bytes the hypercall ABI fixes, nor IOIO, whose exit has the next RIP.
#pragma once

#include "hv/domain/vcpu.hpp"
#include "hv/hvm/decode_exit.hpp"

#include <cstdint>
#include <optional>

namespace hv::hvm {

// nullopt: nothing is to be carried out; the guest enters again where it was, perhaps with #UD.
// That is so when its bytes are not there or others by now: user code can do that to its kernel at
// any time with a second thread, so it must not end the domain.
[[nodiscard]] std::optional<uint64_t> exit_length(domain::Vcpu& vcpu, ExitInstruction expected);

}  // namespace hv::hvm
