// SPDX-License-Identifier: Apache-2.0
// What follows an opcode, by opcode map, after the opcode tables of [apm3] appendix A. For
// decode.cpp only.
#pragma once

#include <cstdint>
#include <string_view>

namespace hv::hvm::decode_tables {

// One character per opcode.
enum Form : char {
    Bare = '.',        // nothing follows
    Modrm = 'm',       // ModRM
    ModrmReg = 'r',    // ModRM that names registers whatever its mod field says
    Imm8 = 'b',        // 1 byte
    ImmZ = 'z',        // 2 or 4 bytes by operand size
    ImmV = 'v',        // 2, 4 or 8 bytes by operand size
    Imm16 = 'w',       // 2 bytes
    ModrmImm8 = 'B',   // ModRM, 1 byte
    ModrmImmZ = 'Z',   // ModRM, 2 or 4 bytes
    Group3Imm8 = 'g',  // ModRM; 1 byte if its extension is 0 or 1
    Group3ImmZ = 'G',  // ModRM; 2 or 4 bytes if its extension is 0 or 1
    Moffs = 'o',       // an address by address size
    FarPointer = 'p',  // 2 or 4 bytes and a selector
    EnterImm = 'e',    // 2 bytes and 1
    Sse4aImm = 's',    // ModRM; 2 bytes after 66 or F2
    Escape = '>',      // another map, or an encoding of its own
    Prefix = '#',
    Undefined = 'x',
};

// clang-format off
//   0123456789abcdef
inline constexpr std::string_view primary =
    "mmmmbz..mmmmbz.>"  // 00  ADD OR; 0F escape
    "mmmmbz..mmmmbz.."  // 10  ADC SBB
    "mmmmbz#.mmmmbz#."  // 20  AND SUB
    "mmmmbz#.mmmmbz#."  // 30  XOR CMP
    "................"  // 40  INC DEC; REX in 64-bit code
    "................"  // 50  PUSH POP
    "..mm####zZbB...."  // 60  62 BOUND or EVEX; 63 ARPL or MOVSXD
    "bbbbbbbbbbbbbbbb"  // 70  Jcc
    "BZBBmmmmmmmmmmmm"  // 80  group 1; 8F POP or XOP
    "..........p....."  // 90  9A far CALL
    "oooo....bz......"  // a0  MOV moffs
    "bbbbbbbbvvvvvvvv"  // b0  MOV immediate
    "BBw.mmBZe.w..b.."  // c0  C4, C5 LES, LDS or VEX; C6, C7 MOV
    "mmmmbb..mmmmmmmm"  // d0  D8 to DF x87
    "bbbbbbbbzzpb...."  // e0  E8, E9 near: 66 gives 2 bytes in 64-bit code, too (AMD)
    "#.##..gG......mm"; // f0

inline constexpr std::string_view escape_0f =
    "mmmmx.....x.xm.B"  // 00  0F 3DNow!: the suffix is an immediate
    "mmmmmmmmmmmmmmmm"  // 10
    "rrrrxxxxmmmmmmmm"  // 20  MOV CR, DR
    "......x.>x>xxxxx"  // 30  38, 3A escapes
    "mmmmmmmmmmmmmmmm"  // 40  CMOVcc
    "mmmmmmmmmmmmmmmm"  // 50
    "mmmmmmmmmmmmmmmm"  // 60
    "BBBBmmm.smmmmmmm"  // 70  78 EXTRQ, INSERTQ, VMREAD
    "zzzzzzzzzzzzzzzz"  // 80  Jcc
    "mmmmmmmmmmmmmmmm"  // 90  SETcc
    "...mBmxx...mBmmm"  // a0  A2 CPUID
    "mmmmmmmmmmBmmmmm"  // b0  BA group 8
    "mmBmBBBm........"  // c0  C8 to CF BSWAP
    "mmmmmmmmmmmmmmmm"  // d0
    "mmmmmmmmmmmmmmmm"  // e0
    "mmmmmmmmmmmmmmmm"; // f0  FF UD0
// clang-format on
static_assert(primary.size() == 256 && escape_0f.size() == 256);

// Opcodes of the primary map that 64-bit code does not have (62, C4 and C5 are prefixes there).
inline constexpr std::string_view not_in_64bit{
    "\x06\x07\x0e\x16\x17\x1e\x1f\x27\x2f\x37\x3f\x60\x61\x82\x9a\xce\xd4\xd5\xd6\xea", 20};

}  // namespace hv::hvm::decode_tables
