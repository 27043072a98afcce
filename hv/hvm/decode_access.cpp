// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/decode_access.hpp"

#include <bit>

namespace hv::hvm {
namespace {

struct Rflags {  // [apm1] 3.1.4
    static constexpr uint64_t cf = 1U << 0;
    static constexpr uint64_t pf = 1U << 2;
    static constexpr uint64_t af = 1U << 4;
    static constexpr uint64_t zf = 1U << 6;
    static constexpr uint64_t sf = 1U << 7;
    static constexpr uint64_t df = 1U << 10;
    static constexpr uint64_t of = 1U << 11;
    static constexpr uint64_t arithmetic = cf | pf | af | zf | sf | of;
};

constexpr uint64_t mask_of(unsigned size) {
    return size == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * size)) - 1;
}

RegisterOperand register_of(const Instruction& in, uint8_t number, uint8_t size) {
    const bool is_second = size == 1 && !in.has_rex && number >= 4 && number < 8;
    return {.number = is_second ? static_cast<uint8_t>(number - 4) : number,
            .size = size,
            .is_second = is_second};
}

// The eight arithmetic opcodes of a block, or the extensions of group 1.
Result<AccessKind, DecodeError> arithmetic_of(unsigned number) {
    switch (number) {
        case 0:
            return AccessKind::Add;
        case 1:
            return AccessKind::Or;
        case 4:
            return AccessKind::And;
        case 5:
            return AccessKind::Sub;
        case 6:
            return AccessKind::Xor;
        case 7:
            return AccessKind::Compare;
        default:
            return Err{DecodeError::Unsupported};  // ADC, SBB
    }
}

MemoryAccess with_register(const Instruction& in, AccessKind kind, uint8_t size, bool to_memory) {
    return {.kind = kind,
            .size = size,
            .to_memory = to_memory,
            .register_operand = register_of(in, in.modrm->reg, size),
            .instruction = in};
}

MemoryAccess with_immediate(const Instruction& in, AccessKind kind, uint8_t size) {
    return {.kind = kind, .size = size, .to_memory = true, .instruction = in};
}

MemoryAccess with_accumulator(const Instruction& in, AccessKind kind, uint8_t size) {
    return {.kind = kind,
            .size = size,
            .to_memory = kind != AccessKind::Load,
            .register_operand = RegisterOperand{.number = 0, .size = size},
            .instruction = in};
}

MemoryAccess extending(const Instruction& in, Extension extension, uint8_t size) {
    return {.kind = AccessKind::Load,
            .size = size,
            .extension = extension,
            .register_operand = RegisterOperand{.number = in.modrm->reg, .size = in.operand_size},
            .instruction = in};
}

Result<MemoryAccess, DecodeError> access_0f(const Instruction& in) {
    switch (in.opcode) {
        case 0xb6:
            return extending(in, Extension::Zero, 1);
        case 0xb7:
            return extending(in, Extension::Zero, 2);
        case 0xbe:
            return extending(in, Extension::Sign, 1);
        case 0xbf:
            return extending(in, Extension::Sign, 2);
        default:
            return Err{DecodeError::Unsupported};
    }
}

// Opcodes whose lowest bit chooses between one byte and the operand size.
Result<MemoryAccess, DecodeError> access_primary(const Instruction& in) {
    const uint8_t size = (in.opcode & 1) == 0 ? uint8_t{1} : in.operand_size;
    if (in.opcode < 0x40) {
        // ADD to CMP: low bits 0 and 1 have their destination in memory, 2 and 3 in a register.
        return with_register(in, TRY(arithmetic_of(in.opcode >> 3)), size, (in.opcode & 2) == 0);
    }
    switch (in.opcode) {
        case 0x63:
            // MOVSXD; in other modes it is ARPL.
            return in.mode == CodeMode::Code64
                       ? Result<MemoryAccess, DecodeError>{extending(in, Extension::Sign, 4)}
                       : Err{DecodeError::Unsupported};
        case 0x80:
        case 0x81:
        case 0x83:
            return with_immediate(in, TRY(arithmetic_of(in.modrm->extension())), size);
        case 0x84:
        case 0x85:
            return with_register(in, AccessKind::Test, size, true);
        case 0x86:
        case 0x87:
            return with_register(in, AccessKind::Exchange, size, true);
        case 0x88:
        case 0x89:
            return with_register(in, AccessKind::Store, size, true);
        case 0x8a:
        case 0x8b:
            return with_register(in, AccessKind::Load, size, false);
        case 0xa0:
        case 0xa1:
            return with_accumulator(in, AccessKind::Load, size);
        case 0xa2:
        case 0xa3:
            return with_accumulator(in, AccessKind::Store, size);
        case 0xaa:
        case 0xab:
            return with_accumulator(in, AccessKind::StoreString, size);
        case 0xc6:
        case 0xc7:
            return in.modrm->extension() == 0 ? Result<MemoryAccess, DecodeError>{with_immediate(
                                                    in, AccessKind::Store, size)}
                                              : Err{DecodeError::Invalid};
        case 0xf6:
        case 0xf7:
            return in.modrm->extension() < 2 ? Result<MemoryAccess, DecodeError>{with_immediate(
                                                   in, AccessKind::Test, size)}
                                             : Err{DecodeError::Unsupported};
        default:
            return Err{DecodeError::Unsupported};
    }
}

uint64_t read_register(RegisterFile file, RegisterOperand operand) {
    const uint64_t value = file.general[operand.number];
    return (operand.is_second ? value >> 8 : value) & mask_of(operand.size);
}

// [apm1] 3.1.2: writing 32 bits clears the upper half, writing fewer keeps the rest.
void write_register(RegisterFile file, RegisterOperand operand, uint64_t value) {
    uint64_t& target = file.general[operand.number];
    const uint64_t mask = operand.size == 4 ? ~uint64_t{0} : mask_of(operand.size);
    const unsigned shift = operand.is_second ? 8 : 0;
    target = (target & ~(mask << shift)) | ((value & mask_of(operand.size)) << shift);
}

uint64_t sign_extend(uint64_t value, unsigned size) {
    const unsigned unused = 64 - 8 * size;
    return static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
}

struct Alu {
    uint64_t result;
    uint64_t flags;
};

// `a` is the destination operand. [apm3] each instruction's flags; AF of logic is undefined: 0.
Alu calculate(AccessKind kind, uint64_t a, uint64_t b, unsigned size) {
    const uint64_t mask = mask_of(size);
    const uint64_t top = (mask >> 1) + 1;
    const bool is_sub = kind == AccessKind::Sub || kind == AccessKind::Compare;
    const bool is_add = kind == AccessKind::Add;
    uint64_t result = a & b;
    if (is_add) {
        result = (a + b) & mask;
    } else if (is_sub) {
        result = (a - b) & mask;
    } else if (kind == AccessKind::Or) {
        result = a | b;
    } else if (kind == AccessKind::Xor) {
        result = a ^ b;
    }
    uint64_t flags = result == 0 ? Rflags::zf : 0;
    flags |= (result & top) != 0 ? Rflags::sf : 0;
    flags |= std::popcount(result & 0xff) % 2 == 0 ? Rflags::pf : 0;
    if (is_add || is_sub) {
        const bool carry = is_add ? result < a : a < b;
        const bool overflow = ((is_add ? ~(a ^ b) : a ^ b) & (a ^ result) & top) != 0;
        flags |= carry ? Rflags::cf : 0;
        flags |= overflow ? Rflags::of : 0;
        flags |= ((a ^ b ^ result) & 0x10) != 0 ? Rflags::af : 0;
    }
    return {result, flags};
}

Completion complete_arithmetic(const MemoryAccess& access, RegisterFile file, uint64_t memory,
                               uint64_t other) {
    const Alu alu = access.to_memory ? calculate(access.kind, memory, other, access.size)
                                     : calculate(access.kind, other, memory, access.size);
    file.rflags = (file.rflags & ~Rflags::arithmetic) | alu.flags;
    if (access.kind == AccessKind::Compare || access.kind == AccessKind::Test) {
        return {};
    }
    if (access.to_memory) {
        return {.store = alu.result};
    }
    write_register(file, *access.register_operand, alu.result);
    return {};
}

// One element; the processor comes back here for each of them.
Completion complete_stos(const MemoryAccess& access, RegisterFile file) {
    const Instruction& in = access.instruction;
    const RegisterOperand rcx{.number = 1, .size = in.address_size};
    const RegisterOperand rdi{.number = 7, .size = in.address_size};
    const bool is_repeated = in.repeat != RepeatPrefix::None;
    uint64_t count = 1;
    if (is_repeated) {
        count = read_register(file, rcx);
        if (count == 0) {
            return {};
        }
        write_register(file, rcx, count - 1);
    }
    const bool down = (file.rflags & Rflags::df) != 0;
    const uint64_t step = down ? uint64_t{0} - access.size : access.size;
    write_register(file, rdi, read_register(file, rdi) + step);
    return {.store = read_register(file, *access.register_operand),
            .repeat = is_repeated && count > 1};
}

}  // namespace

Result<MemoryAccess, DecodeError> decode_access(std::span<const std::byte> bytes, CodeMode mode) {
    const Instruction in = TRY(decode(bytes, mode));
    const bool is_stos = in.map == OpcodeMap::Primary && (in.opcode == 0xaa || in.opcode == 0xab);
    if (in.encoding != Encoding::Legacy || (!in.memory && !is_stos)) {
        return Err{DecodeError::Unsupported};
    }
    switch (in.map) {
        case OpcodeMap::Primary:
            return access_primary(in);
        case OpcodeMap::Escape0f:
            return access_0f(in);
        case OpcodeMap::Escape0f38:
        case OpcodeMap::Escape0f3a:
        case OpcodeMap::Evex5:
        case OpcodeMap::Evex6:
        case OpcodeMap::Xop8:
        case OpcodeMap::Xop9:
        case OpcodeMap::XopA:
            return Err{DecodeError::Unsupported};
    }
    return Err{DecodeError::Unsupported};
}

Completion complete(const MemoryAccess& access, RegisterFile file, uint64_t memory) {
    memory &= mask_of(access.size);
    const uint64_t other =
        access.register_operand
            ? read_register(file, *access.register_operand)
            : static_cast<uint64_t>(access.instruction.immediate) & mask_of(access.size);
    switch (access.kind) {
        case AccessKind::Load: {
            const bool sign = access.extension == Extension::Sign;
            write_register(file, *access.register_operand,
                           sign ? sign_extend(memory, access.size) : memory);
            return {};
        }
        case AccessKind::Store:
            return {.store = other};
        case AccessKind::Exchange:
            write_register(file, *access.register_operand, memory);
            return {.store = other};
        case AccessKind::StoreString:
            return complete_stos(access, file);
        case AccessKind::Add:
        case AccessKind::Or:
        case AccessKind::And:
        case AccessKind::Sub:
        case AccessKind::Xor:
        case AccessKind::Compare:
        case AccessKind::Test:
            return complete_arithmetic(access, file, memory, other);
    }
    return {};
}

}  // namespace hv::hvm
