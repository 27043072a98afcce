// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/debug_registers.hpp"

namespace hv::svm {

namespace {

constexpr uint64_t dr6_fixed = 0xffff0ff0;
constexpr uint64_t dr6_settable = 0xe00f;
constexpr uint64_t dr7_settable = 0xffff03ff;
constexpr uint64_t dr7_enables_any = 0xff;
constexpr Intercept to_addresses[] = {Intercept::DR0_WRITE, Intercept::DR1_WRITE,
                                      Intercept::DR2_WRITE, Intercept::DR3_WRITE};

}  // namespace

void set_debug_status(Vmcb& vmcb, uint64_t dr6) {
    vmcb.save().dr6 = (dr6 & dr6_settable) | dr6_fixed;
    vmcb.changed(Clean::DebugRegisters);
}

void set_debug_control(Vmcb& vmcb, uint64_t dr7) {
    vmcb.save().dr7 = (dr7 & dr7_settable) | dr7_reset;
    vmcb.changed(Clean::DebugRegisters);
    const bool is_armed = (dr7 & dr7_enables_any) != 0;
    for (const Intercept move : to_addresses) {
        vmcb.set_intercept(move, is_armed);
    }
}

}  // namespace hv::svm
