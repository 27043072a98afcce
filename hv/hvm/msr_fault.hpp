// SPDX-License-Identifier: Apache-2.0
// What a guest's RDMSR, WRMSR or XSETBV may fail with. The caller injects it; nothing has changed.
#pragma once

#include <cstdint>

namespace hv::hvm {

enum class MsrFault : uint8_t {
    GeneralProtection,  // inject #GP(0), RIP stays at the instruction
};

}  // namespace hv::hvm
