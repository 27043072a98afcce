// SPDX-License-Identifier: Apache-2.0
// Recognises the instructions that leave a container by intercept, so that their emulation can go
// on behind them. The exit code says what happened, the bytes say how long it is; where they do
// not agree, another CPU of the guest has changed the code in between.
#pragma once

#include "hv/hvm/decode.hpp"

namespace hv::hvm {

enum class ExitInstruction : uint8_t {
    Cpuid,
    Hlt,
    Pause,
    Invd,
    Wbinvd,  // WBNOINVD, too
    Invlpg,
    Invlpga,
    Invpcid,
    Rdtsc,
    Rdtscp,
    Rdpmc,
    Rdmsr,
    Wrmsr,
    Xsetbv,
    Rdpru,
    Monitor,
    Mwait,
    MovFromCr,
    MovToCr,
    MovFromDr,
    MovToDr,
    Clts,
    Lmsw,
    Smsw,
    In,   // INS, too
    Out,  // OUTS, too
    Int3,
    Int,
    Into,
    Icebp,
    Iret,
    Pushf,
    Popf,
    Rsm,
    Lgdt,
    Lidt,
    Sgdt,
    Sidt,
    Lldt,
    Ltr,
    Sldt,
    Str,
    Vmrun,
    Vmmcall,
    Vmcall,  // for the other vendor's processors; #UD here
    Vmload,
    Vmsave,
    Stgi,
    Clgi,
    Skinit,
    Syscall,
};

struct ExitDecode {
    ExitInstruction what = ExitInstruction::Cpuid;
    Instruction instruction{};  // length, memory operand (INVLPG), immediate (INT n, IN, OUT)
};

// What the bytes are; Unsupported if they are an instruction without intercept.
Result<ExitDecode, DecodeError> decode_exit(std::span<const std::byte> bytes, CodeMode mode);

// The length of the instruction if it is the expected one; else Unexpected.
Result<uint8_t, DecodeError> instruction_length(std::span<const std::byte> bytes, CodeMode mode,
                                                ExitInstruction expected);

// The registers of a MOV to or from a control or debug register, [apm3] MOV CRn, MOV DRn.
struct ControlMove {
    uint8_t length = 0;
    uint8_t general = 0;  // register number
    uint8_t control = 0;  // CR or DR number; LOCK MOV CR0 is CR8 outside 64-bit code
    bool to_control = false;
    bool is_debug = false;
};
Result<ControlMove, DecodeError> decode_control_move(std::span<const std::byte> bytes,
                                                     CodeMode mode);

}  // namespace hv::hvm
