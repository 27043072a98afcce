// SPDX-License-Identifier: Apache-2.0
// Instructions that may touch memory nobody backs: device registers, the local APIC's page. The
// caller knows the address from the nested page fault; this says what is read or written there and
// completes the instruction on a register file. Not there: string instructions but STOS, ADC, SBB,
// bit instructions, x87 and vector registers; the caller ends the domain on those.
#pragma once

#include "hv/hvm/decode.hpp"

#include <optional>
#include <span>

namespace hv::hvm {

enum class AccessKind : uint8_t {
    Load,   // register = memory
    Store,  // memory = register or immediate
    Add,
    Or,
    And,
    Sub,
    Xor,
    Compare,
    Test,
    Exchange,
    StoreString,  // STOS
};

enum class Extension : uint8_t { None, Zero, Sign };

struct RegisterOperand {
    uint8_t number = 0;
    uint8_t size = 4;        // bytes
    bool is_second = false;  // bits 15:8: AH, CH, DH, BH
};

struct MemoryAccess {
    AccessKind kind = AccessKind::Load;
    uint8_t size = 4;                       // bytes at the address
    Extension extension = Extension::None;  // of a load into a wider register
    bool to_memory = false;                 // which operand an arithmetic result goes to
    std::optional<RegisterOperand> register_operand{};  // none: the immediate
    Instruction instruction{};

    // Whether complete() wants the old contents.
    [[nodiscard]] bool reads_memory() const {
        return kind != AccessKind::Store && kind != AccessKind::StoreString;
    }
};

Result<MemoryAccess, DecodeError> decode_access(std::span<const std::byte> bytes, CodeMode mode);

// The guest's registers in the order of the encoding, and its flags.
struct RegisterFile {
    std::span<uint64_t, 16> general;
    uint64_t& rflags;
};

struct Completion {
    std::optional<uint64_t> store{};  // write this to memory, access.size bytes
    bool repeat = false;              // RIP stays: the instruction has more to do
};

// Carries out the instruction, given what memory holds there (ignored unless reads_memory()).
Completion complete(const MemoryAccess& access, RegisterFile registers, uint64_t memory);

}  // namespace hv::hvm
