// SPDX-License-Identifier: Apache-2.0
// State of the processor that neither VMRUN nor VMLOAD switches: FPU and vector registers, XCR0,
// debug address registers, TSC_AUX. Saved when another vCPU is to run on the CPU, not at each exit:
// the hypervisor itself uses none of it.
#pragma once

#include "hv/base/address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace hv::svm {

struct ProcessorState {
    void* xsave_area = nullptr;  // xsave_bytes() long, 64-byte aligned, zeroed at creation
    uint64_t xcr0 = 1;
    uint64_t tsc_aux = 0;
    std::array<uint64_t, 4> dr{};
};

// Enables what XSAVE knows on this CPU.
void enable_xsave();
// Size of an area for everything this CPU can save; the same on every CPU.
uint64_t xsave_bytes();
// The initial FPU state of a vCPU after reset.
void reset(ProcessorState& state);

void save(ProcessorState& state);
void restore(const ProcessorState& state);

// DR0 to DR3 of the vCPU that this CPU has restored and not saved.
void set_debug_address(uint64_t n, uint64_t address);
uint64_t debug_address(uint64_t n);

// Indirect branch prediction barrier, on processors that have one.
void drop_predictions();

}  // namespace hv::svm
