// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/exit_debug.hpp"

#include "hv/hvm/decode_exit.hpp"
#include "hv/hvm/fetch.hpp"
#include "hv/hvm/outcome.hpp"
#include "hv/svm/debug_registers.hpp"
#include "hv/svm/events.hpp"
#include "hv/svm/processor_state.hpp"
#include "hv/x86/registers.hpp"

#include <optional>
#include <span>

namespace hv::hvm {

namespace {

using svm::Exception;

uint64_t operand(const domain::Vcpu& v, const ControlMove& move, CodeMode mode) {
    // SAFETY: GuestRegisters is sixteen 64-bit registers in the encoding's order, asserted there.
    const std::span<const uint64_t, 16> general{&v.registers.rax, 16};
    const uint64_t value = general[move.general];
    return mode == CodeMode::Code64 ? value : static_cast<uint32_t>(value);
}

// The move, or what it raises. [apm3] MOV DRn.
std::optional<Exception> write(svm::Vmcb& vmcb, uint8_t control, uint64_t value) {
    constexpr uint8_t address_count = 4;
    if (control < address_count) {
        svm::set_debug_address(control, value);
        return std::nullopt;
    }
    const bool has_aliases = !Register<x86::Cr4>{vmcb.save().cr4}.get(x86::Cr4::DE);
    const bool is_status = control == 6 || (control == 4 && has_aliases);
    const bool is_control = control == 7 || (control == 5 && has_aliases);
    if (!is_status && !is_control) {
        return Exception::UD;
    }
    if (value >> 32 != 0) {
        return Exception::GP;
    }
    if (is_status) {
        svm::set_debug_status(vmcb, value);
    } else {
        svm::set_debug_control(vmcb, value);
    }
    return std::nullopt;
}

}  // namespace

// Which register it is, the instruction says: QEMU 10 gives the code of DR0 to all of them, and it
// has not looked at what they are.
void handle_debug_write(domain::Vcpu& v) {
    if (v.vmcb->save().cpl != 0) {
        svm::inject_exception(*v.vmcb, Exception::GP);
        return;
    }
    const Fetched code{v};
    const auto move = decode_control_move(code.bytes(), code.mode());
    if (!move.ok()) {
        if (move.error() == DecodeError::Invalid) {
            svm::inject_exception(*v.vmcb, Exception::UD);
        }
        return;  // as exit_length does
    }
    const ControlMove& to = move.value();
    if (!to.is_debug || !to.to_control) {
        return;
    }
    if (const auto raised = write(*v.vmcb, to.control, operand(v, to, code.mode()))) {
        svm::inject_exception(*v.vmcb, *raised);
    } else {
        skip(v, to.length);
    }
}

}  // namespace hv::hvm
