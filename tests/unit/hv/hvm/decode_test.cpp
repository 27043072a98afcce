// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/decode.hpp"

#include "tests/unit/hv/hvm/bytes.hpp"

#include <array>

#include <gtest/gtest.h>

namespace hv::hvm {
namespace {

Instruction decoded(const Bytes& bytes, CodeMode mode) {
    auto result = decode(bytes, mode);
    EXPECT_TRUE(result.ok());
    return result.ok() ? result.take() : Instruction{};
}

std::optional<DecodeError> error_of(const Bytes& bytes, CodeMode mode) {
    const auto result = decode(bytes, mode);
    return result.ok() ? std::nullopt : std::optional{result.error()};
}

TEST(Decode, looks_at_the_instruction_only) {
    EXPECT_EQ(decoded({0x90, 0x0f, 0x0f}, C64).length, 1);
    EXPECT_EQ(decoded({0x0f, 0xa2, 0xea}, C64).length, 2);
}

TEST(Decode, every_shorter_input_is_truncated) {
    const Bytes bytes{0x2e, 0xf0, 0x48, 0x81, 0x84, 0x08, 1, 2, 3, 4, 5, 6, 7, 8};
    EXPECT_EQ(decoded(bytes, C64).length, bytes.size());
    for (size_t n = 0; n < bytes.size(); ++n) {
        const auto result = decode(std::span<const std::byte>{bytes}.first(n), C64);
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error(), DecodeError::Truncated);
    }
}

TEST(Decode, fifteen_bytes_are_an_instruction_sixteen_are_not) {
    const Bytes fifteen{0x2e, 0x2e, 0x2e, 0xf0, 0x81, 0x84, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    const Bytes sixteen{0x2e, 0x2e, 0x2e, 0x2e, 0xf0, 0x81, 0x84, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    EXPECT_EQ(decoded(fifteen, C32).length, 15);
    EXPECT_EQ(error_of(sixteen, C32), DecodeError::Invalid);
}

TEST(Decode, operand_size_decides_immediates) {
    EXPECT_EQ(decoded({0xb8, 1, 2}, C16).length, 3);
    EXPECT_EQ(decoded({0x66, 0xb8, 1, 2, 3, 4}, C16).length, 6);
    EXPECT_EQ(decoded({0xb8, 1, 2, 3, 4}, C32).length, 5);
    EXPECT_EQ(decoded({0x66, 0xb8, 1, 2}, C32).length, 4);
    EXPECT_EQ(decoded({0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}, C64).length, 10);
    EXPECT_EQ(decoded({0x66, 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}, C64).length, 11);
    EXPECT_EQ(decoded({0x48, 0x81, 0xc0, 1, 2, 3, 4}, C64).length, 7);
}

TEST(Decode, rex_counts_only_before_the_opcode) {
    const Instruction in = decoded({0x48, 0x66, 0x05, 1, 2}, C64);
    EXPECT_EQ(in.length, 5);
    EXPECT_FALSE(in.has_rex);
    EXPECT_EQ(in.operand_size, 2);
    EXPECT_EQ(decoded({0x48}, C32).length, 1);  // DEC
}

TEST(Decode, immediates_are_sign_extended) {
    EXPECT_EQ(decoded({0x83, 0xc0, 0xff}, C64).immediate, -1);
    EXPECT_EQ(decoded({0xc7, 0x00, 0, 0, 0, 0x80}, C64).immediate, -0x80000000LL);
}

TEST(Decode, far_pointers_and_enter) {
    EXPECT_EQ(decoded({0xea, 1, 2, 3, 4}, C16).length, 5);
    EXPECT_EQ(decoded({0xea, 1, 2, 3, 4, 5, 6}, C32).length, 7);
    EXPECT_EQ(error_of({0xea, 1, 2, 3, 4, 5, 6}, C64), DecodeError::Invalid);
    EXPECT_EQ(decoded({0xc8, 1, 2, 3}, C64).length, 4);
}

TEST(Decode, group_3_has_an_immediate_for_test_only) {
    EXPECT_EQ(decoded({0xf6, 0xc0, 1}, C64).length, 3);
    EXPECT_EQ(decoded({0xf6, 0xd0}, C64).length, 2);
    EXPECT_EQ(decoded({0xf7, 0xc8, 1, 2, 3, 4}, C64).length, 6);
    EXPECT_EQ(decoded({0xf7, 0xe0}, C64).length, 2);
}

TEST(Decode, vex_evex_xop) {
    EXPECT_EQ(decoded({0xc5, 0xf8, 0x77}, C64).length, 3);
    EXPECT_EQ(decoded({0xc5, 0xf9, 0x70, 0xc1, 0x1b}, C32).length, 5);
    EXPECT_EQ(decoded({0xc4, 0xe3, 0x79, 0x0f, 0xc1, 4}, C64).length, 6);
    EXPECT_EQ(decoded({0x62, 0xf1, 0x7c, 0x48, 0x10, 0x40, 1}, C64).length, 7);
    EXPECT_EQ(decoded({0x8f, 0xea, 0x78, 0x10, 0xc8, 1, 2, 3, 4}, C64).length, 9);
    EXPECT_EQ(error_of({0x66, 0xc5, 0xf8, 0x77}, C64), DecodeError::Invalid);
    EXPECT_EQ(error_of({0x48, 0xc5, 0xf8, 0x77}, C64), DecodeError::Invalid);
    EXPECT_EQ(error_of({0xc4, 0xe4, 0x79, 0x0f, 0xc1, 4}, C64), DecodeError::Invalid);
}

TEST(Decode, outside_64_bit_code_vex_bytes_are_loads_of_far_pointers) {
    const Instruction les = decoded({0xc4, 0x03}, C32);
    EXPECT_EQ(les.encoding, Encoding::Legacy);
    EXPECT_EQ(les.length, 2);
    EXPECT_EQ(decoded({0x62, 0x45, 0x08}, C16).length, 3);  // BOUND
    EXPECT_EQ(decoded({0x8f, 0x00}, C64).length, 2);        // POP
}

// ---- memory operands ----

TEST(DecodeMemory, base_index_scale_displacement) {
    const Instruction in = decoded({0x47, 0x8b, 0xac, 0x8e, 0xf0, 0xff, 0xff, 0xff}, C64);
    ASSERT_TRUE(in.memory);
    EXPECT_EQ(in.memory->base, 14);
    EXPECT_EQ(in.memory->index, 9);
    EXPECT_EQ(in.memory->scale, 4);
    EXPECT_EQ(in.memory->displacement, -16);
    EXPECT_EQ(in.modrm->reg, 13);
    EXPECT_EQ(in.memory->segment, Segment::Ds);
}

TEST(DecodeMemory, special_cases_of_base_and_index) {
    EXPECT_TRUE(decoded({0x8b, 0x05, 1, 0, 0, 0}, C64).memory->rip_relative);
    EXPECT_FALSE(decoded({0x8b, 0x05, 1, 0, 0, 0}, C32).memory->rip_relative);
    const auto absolute = decoded({0x8b, 0x04, 0x25, 1, 0, 0, 0}, C64);
    EXPECT_FALSE(absolute.memory->base || absolute.memory->index || absolute.memory->rip_relative);
    // With REX.X the index 100b is R12; with REX.B mod 0 base 101b still is no base.
    EXPECT_EQ(decoded({0x42, 0x8b, 0x04, 0x20}, C64).memory->index, 12);
    EXPECT_FALSE(decoded({0x41, 0x8b, 0x04, 0x25, 1, 0, 0, 0}, C64).memory->base);
    EXPECT_EQ(decoded({0x41, 0x8b, 0x45, 0x00}, C64).memory->base, 13);
}

TEST(DecodeMemory, segments) {
    EXPECT_EQ(decoded({0x8b, 0x45, 0x00}, C64).memory->segment, Segment::Ss);
    EXPECT_EQ(decoded({0x8b, 0x04, 0x24}, C32).memory->segment, Segment::Ss);
    EXPECT_EQ(decoded({0x41, 0x8b, 0x45, 0x00}, C64).memory->segment, Segment::Ds);
    EXPECT_EQ(decoded({0x65, 0x8b, 0x45, 0x00}, C64).memory->segment, Segment::Gs);
    EXPECT_EQ(decoded({0x26, 0x8b, 0x00}, C32).memory->segment, Segment::Es);
    EXPECT_EQ(decoded({0x26, 0x8b, 0x00}, C64).memory->segment, Segment::Ds);
}

TEST(DecodeMemory, sixteen_bit_forms) {
    const Instruction in = decoded({0x8b, 0x42, 0xfe}, C16);
    EXPECT_EQ(in.memory->base, 5);
    EXPECT_EQ(in.memory->index, 6);
    EXPECT_EQ(in.memory->displacement, -2);
    EXPECT_EQ(in.memory->segment, Segment::Ss);
    EXPECT_FALSE(decoded({0x8b, 0x0e, 1, 2}, C16).memory->base);
}

TEST(DecodeMemory, effective_address) {
    std::array<uint64_t, 16> registers{};
    registers[14] = 0x1000;
    registers[9] = 0x10;
    const auto address = [&](const Bytes& bytes, CodeMode mode) {
        const Instruction in = decoded(bytes, mode);
        return effective_address(in, *in.memory, registers, 0xffffffff81000000);
    };
    EXPECT_EQ(address({0x43, 0x8b, 0x84, 0x8e, 0xf0, 0xff, 0xff, 0xff}, C64), 0x1030u);
    EXPECT_EQ(address({0x8b, 0x05, 0xf0, 0xff, 0xff, 0xff}, C64), 0xffffffff80fffff0u);
    EXPECT_EQ(address({0x67, 0x8b, 0x04, 0x25, 0, 0, 0xe0, 0xfe}, C64), 0xfee00000u);
    registers[3] = 0xffff;
    registers[6] = 2;
    EXPECT_EQ(address({0x8b, 0x00}, C16), 1u);  // [BX + SI] wraps
}

}  // namespace
}  // namespace hv::hvm
