// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/exit_length.hpp"

#include "hv/hvm/fetch.hpp"
#include "hv/svm/events.hpp"

namespace hv::hvm {

namespace {

// The second byte of the two-byte instructions that exit often, as everybody writes them.
std::optional<std::byte> opcode_0f(ExitInstruction what) {
    if (what == ExitInstruction::Cpuid) {
        return std::byte{0xa2};
    }
    if (what == ExitInstruction::Wrmsr) {
        return std::byte{0x30};
    }
    if (what == ExitInstruction::Rdmsr) {
        return std::byte{0x32};
    }
    return std::nullopt;
}

bool is_plain(const domain::Vcpu& v, ExitInstruction what) {
    const auto opcode = opcode_0f(what);
    std::array<std::byte, 2> bytes{};
    return opcode && fetch(v, bytes) && bytes[0] == std::byte{0x0f} && bytes[1] == *opcode;
}

}  // namespace

std::optional<uint64_t> exit_length(domain::Vcpu& v, ExitInstruction expected) {
    constexpr uint64_t plain_bytes = 2;
    if (is_plain(v, expected)) {
        return plain_bytes;  // decoding costs as much as the exit
    }
    const Fetched code{v};
    auto length = instruction_length(code.bytes(), code.mode(), expected);
    if (length.ok()) {
        return length.take();
    }
    if (length.error() == DecodeError::Invalid) {
        svm::inject_exception(*v.vmcb, svm::Exception::UD);
    }
    return std::nullopt;
}

}  // namespace hv::hvm
