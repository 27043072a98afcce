// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/decode_exit.hpp"

namespace hv::hvm {
namespace {

using What = ExitInstruction;

constexpr uint16_t any = 0x100;

// A row matches by opcode and, unless `any`, by the whole ModRM byte or by its extension.
struct Row {
    OpcodeMap map;
    uint8_t opcode;
    uint16_t modrm;      // the whole byte
    uint16_t extension;  // bits 5:3
    What what;
    // Of forms that differ by prefix or by register against memory only:
    RepeatPrefix repeat = RepeatPrefix::None;
    bool only_with_repeat = false;
    bool only_memory = false;
};

constexpr auto P = OpcodeMap::Primary;
constexpr auto E = OpcodeMap::Escape0f;

constexpr Row bare(OpcodeMap map, uint8_t opcode, What what) {
    return {.map = map, .opcode = opcode, .modrm = any, .extension = any, .what = what};
}
constexpr Row group7(uint8_t modrm, What what) {
    return {.map = E, .opcode = 0x01, .modrm = modrm, .extension = any, .what = what};
}
constexpr Row memory7(uint8_t extension, What what) {
    return {.map = E,
            .opcode = 0x01,
            .modrm = any,
            .extension = extension,
            .what = what,
            .only_memory = true};
}
constexpr Row group(uint8_t opcode, uint8_t extension, What what) {
    return {.map = E, .opcode = opcode, .modrm = any, .extension = extension, .what = what};
}

// [apm3] appendix A. The first match counts.
constexpr Row rows[] = {
    bare(E, 0xa2, What::Cpuid),
    bare(P, 0xf4, What::Hlt),
    {.map = P,
     .opcode = 0x90,
     .modrm = any,
     .extension = any,
     .what = What::Pause,
     .repeat = RepeatPrefix::Rep,
     .only_with_repeat = true},
    bare(E, 0x08, What::Invd),
    bare(E, 0x09, What::Wbinvd),
    bare(E, 0x30, What::Wrmsr),
    bare(E, 0x31, What::Rdtsc),
    bare(E, 0x32, What::Rdmsr),
    bare(E, 0x33, What::Rdpmc),
    bare(E, 0x05, What::Syscall),
    bare(E, 0x06, What::Clts),
    bare(E, 0xaa, What::Rsm),
    bare(E, 0x20, What::MovFromCr),
    bare(E, 0x21, What::MovFromDr),
    bare(E, 0x22, What::MovToCr),
    bare(E, 0x23, What::MovToDr),
    group7(0xc1, What::Vmcall),
    group7(0xc8, What::Monitor),
    group7(0xc9, What::Mwait),
    group7(0xd1, What::Xsetbv),
    group7(0xd8, What::Vmrun),
    group7(0xd9, What::Vmmcall),
    group7(0xda, What::Vmload),
    group7(0xdb, What::Vmsave),
    group7(0xdc, What::Stgi),
    group7(0xdd, What::Clgi),
    group7(0xde, What::Skinit),
    group7(0xdf, What::Invlpga),
    group7(0xf9, What::Rdtscp),
    group7(0xfd, What::Rdpru),
    memory7(0, What::Sgdt),
    memory7(1, What::Sidt),
    memory7(2, What::Lgdt),
    memory7(3, What::Lidt),
    memory7(7, What::Invlpg),
    group(0x01, 4, What::Smsw),
    group(0x01, 6, What::Lmsw),
    group(0x00, 0, What::Sldt),
    group(0x00, 1, What::Str),
    group(0x00, 2, What::Lldt),
    group(0x00, 3, What::Ltr),
    {.map = OpcodeMap::Escape0f38,
     .opcode = 0x82,
     .modrm = any,
     .extension = any,
     .what = What::Invpcid,
     .only_memory = true},
    bare(P, 0x6c, What::In),
    bare(P, 0x6d, What::In),
    bare(P, 0xe4, What::In),
    bare(P, 0xe5, What::In),
    bare(P, 0xec, What::In),
    bare(P, 0xed, What::In),
    bare(P, 0x6e, What::Out),
    bare(P, 0x6f, What::Out),
    bare(P, 0xe6, What::Out),
    bare(P, 0xe7, What::Out),
    bare(P, 0xee, What::Out),
    bare(P, 0xef, What::Out),
    bare(P, 0xcc, What::Int3),
    bare(P, 0xcd, What::Int),
    bare(P, 0xce, What::Into),
    bare(P, 0xf1, What::Icebp),
    bare(P, 0xcf, What::Iret),
    bare(P, 0x9c, What::Pushf),
    bare(P, 0x9d, What::Popf),
};

bool matches(const Row& row, const Instruction& in, uint8_t modrm_byte) {
    return row.map == in.map && row.opcode == in.opcode &&
           (row.modrm == any || (in.modrm && row.modrm == modrm_byte)) &&
           (row.extension == any || (in.modrm && row.extension == in.modrm->extension())) &&
           (!row.only_with_repeat || row.repeat == in.repeat) && (!row.only_memory || in.memory);
}

}  // namespace

Result<ExitDecode, DecodeError> decode_exit(std::span<const std::byte> bytes, CodeMode mode) {
    const Instruction in = TRY(decode(bytes, mode));
    if (in.encoding != Encoding::Legacy) {
        return Err{DecodeError::Unsupported};
    }
    uint8_t modrm_byte = 0;
    if (in.modrm) {
        const unsigned low = in.modrm->extension() * 8U + (in.modrm->rm & 7U);
        modrm_byte = static_cast<uint8_t>(in.modrm->mod * 64U + low);
    }
    for (const Row& row : rows) {
        if (matches(row, in, modrm_byte)) {
            return ExitDecode{row.what, in};
        }
    }
    return Err{DecodeError::Unsupported};
}

Result<uint8_t, DecodeError> instruction_length(std::span<const std::byte> bytes, CodeMode mode,
                                                ExitInstruction expected) {
    const auto decoded = decode_exit(bytes, mode);
    if (!decoded.ok()) {
        const bool is_other = decoded.error() == DecodeError::Unsupported;
        return Err{is_other ? DecodeError::Unexpected : decoded.error()};
    }
    if (decoded.value().what != expected) {
        return Err{DecodeError::Unexpected};
    }
    return decoded.value().instruction.length;
}

Result<ControlMove, DecodeError> decode_control_move(std::span<const std::byte> bytes,
                                                     CodeMode mode) {
    const ExitDecode decoded = TRY(decode_exit(bytes, mode));
    const Instruction& in = decoded.instruction;
    const bool is_debug = decoded.what == What::MovFromDr || decoded.what == What::MovToDr;
    const bool is_control = decoded.what == What::MovFromCr || decoded.what == What::MovToCr;
    if (!is_debug && !is_control) {
        return Err{DecodeError::Unexpected};
    }
    const bool lock_means_cr8 = is_control && in.lock && in.modrm->reg == 0;
    return ControlMove{
        .length = in.length,
        .general = in.modrm->rm,
        .control = lock_means_cr8 ? uint8_t{8} : in.modrm->reg,
        .to_control = decoded.what == What::MovToCr || decoded.what == What::MovToDr,
        .is_debug = is_debug,
    };
}

}  // namespace hv::hvm
