// SPDX-License-Identifier: Apache-2.0
// The instruction decoder: length and parts of any x86 instruction in 16, 32 and 64-bit code, from
// tables. The machine reports neither the next RIP nor instruction bytes, so every emulated
// instruction goes through here. What an instruction does is decided above: decode_exit.hpp
// recognises those that always exit, decode_access.hpp those that may touch device memory.
// It takes the bytes for an instruction the processor has accepted: most undefined opcodes are
// given the length of their neighbours instead of an error.
#pragma once

#include "hv/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hv::hvm {

enum class CodeMode : uint8_t { Code16, Code32, Code64 };

enum class DecodeError : uint8_t {
    Truncated,    // the instruction goes on beyond the bytes given: fetch more, up to 15
    Invalid,      // no instruction, or longer than 15 bytes: inject #UD
    Unexpected,   // not the instruction the exit was for: memory has changed, enter the guest again
    Unsupported,  // a valid instruction that nobody emulates
};

inline constexpr size_t max_instruction_bytes = 15;

// [apm3] 1.2: VEX, EVEX and XOP carry the same numbers in their map field.
enum class OpcodeMap : uint8_t {
    Primary = 0,
    Escape0f = 1,
    Escape0f38 = 2,
    Escape0f3a = 3,
    Evex5 = 5,
    Evex6 = 6,
    Xop8 = 8,
    Xop9 = 9,
    XopA = 10,
};

enum class Encoding : uint8_t { Legacy, Vex, Evex, Xop };
enum class RepeatPrefix : uint8_t { None, Repne, Rep };
enum class Segment : uint8_t { Es, Cs, Ss, Ds, Fs, Gs };

// Register numbers everywhere are those of the encoding: 0 is rAX, 4 rSP, 8 to 15 with REX.
struct MemoryOperand {
    Segment segment = Segment::Ds;
    std::optional<uint8_t> base{};
    std::optional<uint8_t> index{};
    uint8_t scale = 1;
    bool rip_relative = false;  // to the next instruction
    int64_t displacement = 0;
};

struct ModRm {
    uint8_t mod = 0;
    uint8_t reg = 0;  // extended by REX.R
    uint8_t rm = 0;   // extended by REX.B
    // The bits of an opcode extension, without REX.
    [[nodiscard]] uint8_t extension() const { return reg & 7; }
};

struct Instruction {
    uint8_t length = 0;
    CodeMode mode = CodeMode::Code64;
    Encoding encoding = Encoding::Legacy;
    OpcodeMap map = OpcodeMap::Primary;
    uint8_t opcode = 0;

    bool lock = false;
    bool operand_size_prefix = false;
    bool has_rex = false;
    RepeatPrefix repeat = RepeatPrefix::None;

    uint8_t operand_size = 4;  // bytes: 2, 4 or 8, before the opcode's own rules
    uint8_t address_size = 8;  // bytes: 2, 4 or 8

    std::optional<ModRm> modrm;
    std::optional<MemoryOperand> memory{};  // by ModRM or moffs
    uint8_t immediate_size = 0;             // bytes, all immediates together
    int64_t immediate = 0;                  // the first one, sign-extended from its size
};

// `bytes` start at the instruction; those after it are not looked at, nor are those after the 15th.
Result<Instruction, DecodeError> decode(std::span<const std::byte> bytes, CodeMode mode);

// The operand's offset in its segment. `next_rip` is the address of the following instruction.
uint64_t effective_address(const Instruction& instruction, const MemoryOperand& operand,
                           std::span<const uint64_t, 16> registers, uint64_t next_rip);

}  // namespace hv::hvm
