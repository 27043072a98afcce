// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/exit_control.hpp"

#include "hv/hvm/decode_exit.hpp"
#include "hv/hvm/fetch.hpp"
#include "hv/hvm/interrupts.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/hvm/outcome.hpp"
#include "hv/svm/events.hpp"

#include <span>

namespace hv::hvm {

namespace {

constexpr uint8_t task_priority = 8;
constexpr uint64_t cr8_bits = 0xf;

}  // namespace

// The exit code does not tell which register it is, nor whether it is CLTS or LMSW; whatever it is
// by now, the guest can execute it once nothing is offered.
void handle_control_write(domain::Vcpu& v) {
    if (v.vmcb->save().cpl != 0) {
        svm::inject_exception(*v.vmcb, svm::Exception::GP);
        return;
    }
    const Fetched code{v};
    const auto move = decode_control_move(code.bytes(), code.mode());
    const bool is_cr8 = move.ok() && !move.value().is_debug && move.value().to_control &&
                        move.value().control == task_priority;
    if (!is_cr8) {
        // If what was offered has been taken, the next entry does not intercept it any more.
        if (svm::is_interrupt_waiting(*v.vmcb) || v.lapic->is_kept_back()) {
            let_move_to_control(v);
        }
        return;
    }
    // SAFETY: GuestRegisters is sixteen 64-bit registers in the encoding's order, asserted there.
    const std::span<const uint64_t, 16> general{&v.registers.rax, 16};
    const uint64_t operand = general[move.value().general];
    const uint64_t value =
        code.mode() == CodeMode::Code64 ? operand : static_cast<uint32_t>(operand);
    if ((value & ~cr8_bits) != 0) {
        svm::inject_exception(*v.vmcb, svm::Exception::GP);
        return;
    }
    v.lapic->set_cr8(static_cast<uint8_t>(value));
    skip(v, move.value().length);
}

}  // namespace hv::hvm
