// SPDX-License-Identifier: Apache-2.0
// What follows the opcode: ModRM, SIB, displacement, immediates.
#include "hv/hvm/decode_tables.hpp"
#include "hv/hvm/decoder.hpp"

namespace hv::hvm {

using namespace decode_tables;

Result<int64_t, DecodeError> Decoder::fetch_signed(unsigned size) {
    switch (size) {
        case 1:
            return int64_t{static_cast<int8_t>(TRY(fetch<uint8_t>()))};
        case 2:
            return int64_t{static_cast<int16_t>(TRY(fetch<uint16_t>()))};
        case 4:
            return int64_t{static_cast<int32_t>(TRY(fetch<uint32_t>()))};
        default:
            return static_cast<int64_t>(TRY(fetch<uint64_t>()));
    }
}

Result<void, DecodeError> Decoder::operands(char form) {
    switch (form) {
        case Bare:
            return Ok{};
        case Modrm:
            return modrm(false);
        case ModrmReg:
            return modrm(true);
        case Imm8:
            return immediate(1);
        case ImmZ:
            return immediate(imm_z());
        case ImmV:
            return immediate(out_.operand_size);
        case Imm16:
            return immediate(2);
        case ModrmImm8:
            TRY(modrm(false));
            return immediate(1);
        case ModrmImmZ:
            TRY(modrm(false));
            return immediate(imm_z());
        case Group3Imm8:
        case Group3ImmZ:
            TRY(modrm(false));
            return out_.modrm->extension() < 2 ? immediate(form == Group3Imm8 ? 1 : imm_z()) : Ok{};
        case Moffs:
            set_memory({.displacement = TRY(fetch_signed(out_.address_size))}, Segment::Ds);
            return Ok{};
        case FarPointer:
            TRY(immediate(imm_z()));
            return immediate(2);
        case EnterImm:
            TRY(immediate(2));
            return immediate(1);
        case Sse4aImm:
            TRY(modrm(false));
            return out_.operand_size_prefix || out_.repeat == RepeatPrefix::Repne ? immediate(2)
                                                                                  : Ok{};
        default:
            return Err{DecodeError::Invalid};
    }
}

Result<void, DecodeError> Decoder::immediate(unsigned size) {
    const int64_t value = TRY(fetch_signed(size));
    if (out_.immediate_size == 0) {
        out_.immediate = value;
    }
    out_.immediate_size = static_cast<uint8_t>(out_.immediate_size + size);
    return Ok{};
}

Result<void, DecodeError> Decoder::modrm(bool names_registers) {
    const uint8_t byte = TRY(fetch<uint8_t>());
    const auto mod = static_cast<uint8_t>(byte >> 6);
    const auto rm = static_cast<uint8_t>(byte & 7);
    out_.modrm = ModRm{.mod = mod,
                       .reg = static_cast<uint8_t>(((byte >> 3) & 7) | (rex_r_ ? 8 : 0)),
                       .rm = static_cast<uint8_t>(rm | (rex_b_ ? 8 : 0))};
    if (mod == 3 || names_registers) {
        return Ok{};
    }
    return out_.address_size == 2 ? memory16(mod, rm) : memory(mod, rm);
}

// [apm3] table A-33.
Result<void, DecodeError> Decoder::memory16(uint8_t mod, uint8_t rm) {
    constexpr uint8_t bx = 3, bp = 5, si = 6, di = 7;
    constexpr uint8_t bases[] = {bx, bx, bp, bp, si, di, bp, bx};
    MemoryOperand operand{.base = bases[rm], .index = {}};
    if (rm < 4) {
        operand.index = rm % 2 == 0 ? si : di;
    }
    if (mod == 0 && rm == 6) {
        operand.base.reset();
    }
    const bool has_disp16 = mod == 2 || !operand.base;
    if (has_disp16 || mod == 1) {
        operand.displacement = TRY(fetch_signed(has_disp16 ? 2 : 1));
    }
    set_memory(operand, operand.base == bp ? Segment::Ss : Segment::Ds);
    return Ok{};
}

// [apm3] tables.
Result<void, DecodeError> Decoder::memory(uint8_t mod, uint8_t rm) {
    constexpr uint8_t sp = 4, bp = 5;
    MemoryOperand operand;
    bool has_base = !(mod == 0 && rm == bp);
    operand.rip_relative = !has_base && is_64bit();
    uint8_t base = rm;
    if (rm == sp) {
        const uint8_t sib = TRY(fetch<uint8_t>());
        const auto index = static_cast<uint8_t>(((sib >> 3) & 7) | (rex_x_ ? 8 : 0));
        if (index != sp) {
            operand.index = index;
            operand.scale = static_cast<uint8_t>(1U << (sib >> 6));
        }
        base = sib & 7;
        has_base = !(mod == 0 && base == bp);
    }
    if (has_base) {
        operand.base = static_cast<uint8_t>(base | (rex_b_ ? 8 : 0));
    }
    const bool has_disp32 = mod == 2 || !has_base;
    if (has_disp32 || mod == 1) {
        operand.displacement = TRY(fetch_signed(has_disp32 ? 4 : 1));
    }
    // NOLINTNEXTLINE(misc-redundant-expression): it takes the two constants for one.
    const bool on_stack = operand.base == sp || operand.base == bp;
    set_memory(operand, on_stack ? Segment::Ss : Segment::Ds);
    return Ok{};
}

void Decoder::set_memory(MemoryOperand operand, Segment default_segment) {
    operand.segment = segment_.value_or(default_segment);
    out_.memory = operand;
}

uint64_t effective_address(const Instruction& instruction, const MemoryOperand& operand,
                           std::span<const uint64_t, 16> registers, uint64_t next_rip) {
    auto address = static_cast<uint64_t>(operand.displacement);
    if (operand.base) {
        address += registers[*operand.base];
    }
    if (operand.index) {
        address += registers[*operand.index] * operand.scale;
    }
    if (operand.rip_relative) {
        address += next_rip;
    }
    if (instruction.address_size == 8) {
        return address;
    }
    return address & ((uint64_t{1} << (8 * instruction.address_size)) - 1);
}

}  // namespace hv::hvm
