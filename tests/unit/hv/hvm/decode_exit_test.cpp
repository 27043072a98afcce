// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/decode_exit.hpp"

#include "tests/unit/hv/hvm/bytes.hpp"

#include <gtest/gtest.h>

namespace hv::hvm {
namespace {

using What = ExitInstruction;

TEST(DecodeExit, recognises_each_instruction) {
    const struct {
        Bytes bytes;
        What what;
    } table[] = {
        {{0x0f, 0xa2}, What::Cpuid},
        {{0xf4}, What::Hlt},
        {{0xf3, 0x90}, What::Pause},
        {{0x0f, 0x08}, What::Invd},
        {{0x0f, 0x09}, What::Wbinvd},
        {{0x0f, 0x01, 0x38}, What::Invlpg},
        {{0x0f, 0x01, 0xdf}, What::Invlpga},
        {{0x66, 0x0f, 0x38, 0x82, 0x01}, What::Invpcid},
        {{0x0f, 0x31}, What::Rdtsc},
        {{0x0f, 0x01, 0xf9}, What::Rdtscp},
        {{0x0f, 0x33}, What::Rdpmc},
        {{0x0f, 0x32}, What::Rdmsr},
        {{0x0f, 0x30}, What::Wrmsr},
        {{0x0f, 0x01, 0xd1}, What::Xsetbv},
        {{0x0f, 0x01, 0xfd}, What::Rdpru},
        {{0x0f, 0x01, 0xc8}, What::Monitor},
        {{0x0f, 0x01, 0xc9}, What::Mwait},
        {{0x0f, 0x20, 0xc0}, What::MovFromCr},
        {{0x0f, 0x22, 0xd8}, What::MovToCr},
        {{0x0f, 0x21, 0xf8}, What::MovFromDr},
        {{0x0f, 0x23, 0xf8}, What::MovToDr},
        {{0x0f, 0x06}, What::Clts},
        {{0x0f, 0x01, 0xf0}, What::Lmsw},
        {{0x0f, 0x01, 0xe0}, What::Smsw},
        {{0xe4, 0x60}, What::In},
        {{0x66, 0xef}, What::Out},
        {{0xf3, 0x6c}, What::In},
        {{0xcc}, What::Int3},
        {{0xcd, 0x80}, What::Int},
        {{0xf1}, What::Icebp},
        {{0x48, 0xcf}, What::Iret},
        {{0x9c}, What::Pushf},
        {{0x9d}, What::Popf},
        {{0x0f, 0xaa}, What::Rsm},
        {{0x0f, 0x01, 0x10}, What::Lgdt},
        {{0x0f, 0x01, 0x18}, What::Lidt},
        {{0x0f, 0x01, 0x00}, What::Sgdt},
        {{0x0f, 0x01, 0x08}, What::Sidt},
        {{0x0f, 0x00, 0xd0}, What::Lldt},
        {{0x0f, 0x00, 0xd8}, What::Ltr},
        {{0x0f, 0x00, 0xc0}, What::Sldt},
        {{0x0f, 0x00, 0xc8}, What::Str},
        {{0x0f, 0x01, 0xd8}, What::Vmrun},
        {{0x0f, 0x01, 0xd9}, What::Vmmcall},
        {{0x0f, 0x01, 0xc1}, What::Vmcall},
        {{0x0f, 0x01, 0xda}, What::Vmload},
        {{0x0f, 0x01, 0xdb}, What::Vmsave},
        {{0x0f, 0x01, 0xdc}, What::Stgi},
        {{0x0f, 0x01, 0xdd}, What::Clgi},
        {{0x0f, 0x01, 0xde}, What::Skinit},
        {{0x0f, 0x05}, What::Syscall},
    };
    for (const auto& row : table) {
        const auto length = instruction_length(row.bytes, C64, row.what);
        ASSERT_TRUE(length.ok()) << static_cast<int>(row.what);
        EXPECT_EQ(length.value(), row.bytes.size()) << static_cast<int>(row.what);
    }
    EXPECT_EQ(instruction_length(Bytes{0xce}, C32, What::Into).take(), 1);
}

TEST(DecodeExit, prefixes_count) {
    EXPECT_EQ(instruction_length(Bytes{0x66, 0x48, 0x0f, 0xa2}, C64, What::Cpuid).take(), 4);
}

TEST(DecodeExit, something_else_is_unexpected) {
    const Bytes nop{0x90};
    const Bytes rdtsc{0x0f, 0x31};
    EXPECT_EQ(instruction_length(nop, C64, What::Hlt).error(), DecodeError::Unexpected);
    EXPECT_EQ(instruction_length(rdtsc, C64, What::Rdtscp).error(), DecodeError::Unexpected);
    EXPECT_EQ(decode_exit(nop, C64).error(), DecodeError::Unsupported);
    EXPECT_EQ(instruction_length(Bytes{0x0f}, C64, What::Cpuid).error(), DecodeError::Truncated);
    // INVLPG has no register form: that space is SWAPGS and RDTSCP.
    EXPECT_EQ(decode_exit(Bytes{0x0f, 0x01, 0xf8}, C64).error(), DecodeError::Unsupported);
}

TEST(DecodeExit, invlpg_names_its_operand) {
    const auto decoded = decode_exit(Bytes{0x41, 0x0f, 0x01, 0x7c, 0x24, 0x08}, C64);
    ASSERT_TRUE(decoded.ok());
    ASSERT_TRUE(decoded.value().instruction.memory);
    EXPECT_EQ(decoded.value().instruction.memory->base, 12);
    EXPECT_EQ(decoded.value().instruction.memory->displacement, 8);
}

TEST(DecodeExit, int_has_its_vector) {
    EXPECT_EQ(decode_exit(Bytes{0xcd, 0x20}, C64).take().instruction.immediate, 0x20);
}

TEST(ControlMove, registers) {
    const ControlMove to_cr0 = decode_control_move(Bytes{0x0f, 0x22, 0xc1}, C64).take();
    EXPECT_EQ(to_cr0.general, 1);
    EXPECT_EQ(to_cr0.control, 0);
    EXPECT_TRUE(to_cr0.to_control);
    EXPECT_FALSE(to_cr0.is_debug);
    const ControlMove from_cr8 = decode_control_move(Bytes{0x45, 0x0f, 0x20, 0xc7}, C64).take();
    EXPECT_EQ(from_cr8.general, 15);
    EXPECT_EQ(from_cr8.control, 8);
    EXPECT_FALSE(from_cr8.to_control);
    const ControlMove from_dr7 = decode_control_move(Bytes{0x0f, 0x21, 0xfa}, C64).take();
    EXPECT_EQ(from_dr7.general, 2);
    EXPECT_EQ(from_dr7.control, 7);
    EXPECT_TRUE(from_dr7.is_debug);
}

TEST(ControlMove, mod_field_is_ignored) {
    const auto move = decode_control_move(Bytes{0x0f, 0x22, 0x1d}, C64);
    ASSERT_TRUE(move.ok());
    EXPECT_EQ(move.value().length, 3);
    EXPECT_EQ(move.value().control, 3);
    EXPECT_EQ(move.value().general, 5);
}

TEST(ControlMove, lock_means_cr8_in_32_bit_code) {
    EXPECT_EQ(decode_control_move(Bytes{0xf0, 0x0f, 0x22, 0xc0}, C32).take().control, 8);
}

TEST(ControlMove, other_instructions_are_unexpected) {
    EXPECT_EQ(decode_control_move(Bytes{0x0f, 0xa2}, C64).error(), DecodeError::Unexpected);
}

}  // namespace
}  // namespace hv::hvm
