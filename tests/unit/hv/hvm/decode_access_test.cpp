// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/decode_access.hpp"

#include "tests/unit/hv/hvm/bytes.hpp"

#include <array>

#include <gtest/gtest.h>

namespace hv::hvm {
namespace {

constexpr uint64_t cf = 1, pf = 4, af = 0x10, zf = 0x40, sf = 0x80, df = 0x400, of = 0x800;
enum : unsigned { Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9 };

struct Access : testing::Test {
    std::array<uint64_t, 16> registers{};
    uint64_t rflags = 2;
    MemoryAccess access;

    Access() {
        for (size_t n = 0; n < registers.size(); ++n) {
            registers[n] = 0x1111111111111111 * n;
        }
    }
    Completion run(const Bytes& bytes, uint64_t memory, CodeMode mode = CodeMode::Code64) {
        auto result = decode_access(bytes, mode);
        EXPECT_TRUE(result.ok());
        if (!result.ok()) {
            return {};
        }
        access = result.take();
        EXPECT_EQ(access.instruction.length, bytes.size());
        return complete(access, {registers, rflags}, memory);
    }
};

// ---- moves ----

TEST_F(Access, store_register) {
    registers[Rax] = 0x8877665544332211;
    EXPECT_EQ(run({0x88, 0x01}, 0).store, 0x11u);
    EXPECT_EQ(access.size, 1);
    EXPECT_FALSE(access.reads_memory());
    EXPECT_EQ(run({0x66, 0x89, 0x01}, 0).store, 0x2211u);
    EXPECT_EQ(run({0x89, 0x01}, 0).store, 0x44332211u);
    EXPECT_EQ(run({0x48, 0x89, 0x01}, 0).store, 0x8877665544332211u);
    EXPECT_EQ(access.size, 8);
}

TEST_F(Access, store_second_byte_without_rex_only) {
    registers[Rax] = 0x2211;
    registers[Rsp] = 0xee;
    EXPECT_EQ(run({0x88, 0x21}, 0).store, 0x22u);
    EXPECT_EQ(run({0x40, 0x88, 0x21}, 0).store, 0xeeu);
}

TEST_F(Access, load_register) {
    registers[Rdx] = ~uint64_t{0};
    run({0x8a, 0x11}, 0x1234);
    EXPECT_EQ(registers[Rdx], 0xffffffffffffff34u);
    run({0x8a, 0x31}, 0x12);  // DH
    EXPECT_EQ(registers[Rdx], 0xffffffffffff1234u);
    run({0x66, 0x8b, 0x11}, 0xabcd5678);
    EXPECT_EQ(registers[Rdx], 0xffffffffffff5678u);
    EXPECT_TRUE(access.reads_memory());
    run({0x8b, 0x11}, 0xfffffffff0000001);
    EXPECT_EQ(registers[Rdx], 0xf0000001u);
    run({0x4c, 0x8b, 0x09}, 0xfffffffff0000001);
    EXPECT_EQ(registers[R9], 0xfffffffff0000001u);
}

TEST_F(Access, absolute_address_forms) {
    registers[Rax] = 0;
    run({0xa1, 1, 2, 3, 4, 5, 6, 7, 8}, 0xcafe);
    EXPECT_EQ(registers[Rax], 0xcafeu);
    EXPECT_EQ(run({0xa2, 1, 2, 3, 4}, 0, CodeMode::Code32).store, 0xfeu);
    EXPECT_EQ(access.size, 1);
}

TEST_F(Access, store_immediate) {
    EXPECT_EQ(run({0xc6, 0x01, 0x80}, 0).store, 0x80u);
    EXPECT_EQ(run({0xc7, 0x01, 0xf0, 0xff, 0xff, 0xff}, 0).store, 0xfffffff0u);
    EXPECT_EQ(run({0x48, 0xc7, 0x01, 0xf0, 0xff, 0xff, 0xff}, 0).store, 0xfffffffffffffff0u);
}

TEST_F(Access, extending_loads) {
    run({0x0f, 0xb6, 0x11}, 0x80);
    EXPECT_EQ(registers[Rdx], 0x80u);
    EXPECT_EQ(access.size, 1);
    run({0x0f, 0xb7, 0x11}, 0x18000);
    EXPECT_EQ(registers[Rdx], 0x8000u);
    EXPECT_EQ(access.size, 2);
    run({0x0f, 0xbe, 0x11}, 0x80);
    EXPECT_EQ(registers[Rdx], 0xffffff80u);
    run({0x48, 0x0f, 0xbf, 0x11}, 0x8000);
    EXPECT_EQ(registers[Rdx], 0xffffffffffff8000u);
    run({0x48, 0x63, 0x11}, 0x80000000);
    EXPECT_EQ(registers[Rdx], 0xffffffff80000000u);
    EXPECT_EQ(access.size, 4);
    registers[Rdx] = ~uint64_t{0};
    run({0x66, 0x0f, 0xb6, 0x11}, 0x80);
    EXPECT_EQ(registers[Rdx], 0xffffffffffff0080u);
}

TEST_F(Access, extending_loads_name_low_bytes_without_rex) {
    run({0x0f, 0xb6, 0x31}, 0x12);  // into ESI, not DH
    EXPECT_EQ(registers[Rsi], 0x12u);
}

// ---- read, modify, write ----

TEST_F(Access, exchange) {
    registers[Rdx] = 0x55;
    EXPECT_EQ(run({0x87, 0x11}, 0xaa).store, 0x55u);
    EXPECT_EQ(registers[Rdx], 0xaau);
    EXPECT_EQ(rflags, 2u);
}

TEST_F(Access, arithmetic_to_memory) {
    registers[Rdx] = 0x0f;
    EXPECT_EQ(run({0x01, 0x11}, 0xfffffff1).store, 0u);
    EXPECT_EQ(rflags, 2 | cf | zf | pf | af);
    EXPECT_EQ(run({0x09, 0x11}, 0x80000000).store, 0x8000000fu);
    EXPECT_EQ(rflags, 2 | sf | pf);
    EXPECT_EQ(run({0x21, 0x11}, 0x1e).store, 0x0eu);
    EXPECT_EQ(rflags, 2u);
    EXPECT_EQ(run({0x31, 0x11}, 0xff).store, 0xf0u);
    EXPECT_EQ(rflags, 2 | pf);
    EXPECT_EQ(run({0x29, 0x11}, 0x80000000).store, 0x7ffffff1u);
    EXPECT_EQ(rflags, 2 | of | af);
}

TEST_F(Access, arithmetic_to_a_register) {
    registers[Rdx] = 0x7fffffff;
    EXPECT_FALSE(run({0x03, 0x11}, 1).store);
    EXPECT_EQ(registers[Rdx], 0x80000000u);
    EXPECT_EQ(rflags, 2 | of | sf | pf | af);
    EXPECT_FALSE(run({0x2b, 0x11}, 0x80000001).store);
    EXPECT_EQ(registers[Rdx], 0xffffffffu);
    EXPECT_EQ(rflags, 2 | cf | sf | pf | af);
}

TEST_F(Access, compare_and_test_write_nothing) {
    registers[Rdx] = 5;
    EXPECT_FALSE(run({0x39, 0x11}, 5).store);
    EXPECT_EQ(rflags, 2 | zf | pf);
    EXPECT_FALSE(run({0x3b, 0x11}, 6).store);  // 5 - 6
    EXPECT_EQ(rflags, 2 | cf | sf | pf | af);
    EXPECT_FALSE(run({0x85, 0x11}, 2).store);
    EXPECT_EQ(rflags, 2 | zf | pf);
    EXPECT_FALSE(run({0xf7, 0x01, 0, 0, 0, 0x80}, 0x80000000).store);
    EXPECT_EQ(rflags, 2 | sf | pf);
    EXPECT_EQ(registers[Rdx], 5u);
}

TEST_F(Access, group_1_immediates) {
    EXPECT_EQ(run({0x83, 0x09, 0xf0}, 1).store, 0xfffffff1u);
    EXPECT_EQ(run({0x48, 0x83, 0x21, 0xf0}, 0x1ff).store, 0x1f0u);
    EXPECT_EQ(run({0x80, 0x31, 0xff}, 0x0f).store, 0xf0u);
    EXPECT_EQ(run({0x81, 0x01, 1, 0, 0, 0}, 1).store, 2u);
}

TEST_F(Access, flags_agree_with_the_processor) {
    const uint8_t values[] = {0x00, 0x01, 0x0f, 0x10, 0x7f, 0x80, 0x81, 0xf0, 0xff};
    constexpr uint64_t all = cf | pf | af | zf | sf | of;
    for (const uint8_t a : values) {
        for (const uint8_t b : values) {
            uint8_t sum = a, difference = a;
            uint64_t add_flags = 0, sub_flags = 0;
            asm("addb %2, %0; pushfq; popq %1" : "+q"(sum), "=r"(add_flags) : "q"(b) : "cc");
            asm("subb %2, %0; pushfq; popq %1" : "+q"(difference), "=r"(sub_flags) : "q"(b) : "cc");
            registers[Rdx] = b;
            EXPECT_EQ(run({0x00, 0x11}, a).store, sum);
            EXPECT_EQ(rflags & all, add_flags & all) << unsigned{a} << "+" << unsigned{b};
            EXPECT_EQ(run({0x28, 0x11}, a).store, difference);
            EXPECT_EQ(rflags & all, sub_flags & all) << unsigned{a} << "-" << unsigned{b};
        }
    }
}

// ---- STOS ----

TEST_F(Access, stos_moves_on) {
    registers[Rax] = 0x12345678;
    registers[Rdi] = 0x1000;
    const Completion done = run({0xab}, 0);
    EXPECT_EQ(done.store, 0x12345678u);
    EXPECT_FALSE(done.repeat);
    EXPECT_EQ(registers[Rdi], 0x1004u);
    rflags |= df;
    run({0xaa}, 0);
    EXPECT_EQ(registers[Rdi], 0x1003u);
}

TEST_F(Access, repeated_stos_does_one_element_at_a_time) {
    registers[Rcx] = 2;
    registers[Rdi] = 0x1000;
    EXPECT_TRUE(run({0xf3, 0x48, 0xab}, 0).repeat);
    EXPECT_EQ(registers[Rcx], 1u);
    EXPECT_FALSE(run({0xf3, 0x48, 0xab}, 0).repeat);
    EXPECT_EQ(registers[Rcx], 0u);
    EXPECT_EQ(registers[Rdi], 0x1010u);
    EXPECT_FALSE(run({0xf3, 0x48, 0xab}, 0).store);
    EXPECT_EQ(registers[Rdi], 0x1010u);
}

// ---- refusals ----

TEST(AccessRefusal, what_is_not_emulated) {
    for (const Bytes& bytes : {
             Bytes{0x8b, 0xc1},              // register form
             Bytes{0xff, 0x01},              // INC
             Bytes{0x11, 0x01},              // ADC
             Bytes{0xf3, 0xa5},              // MOVS
             Bytes{0x0f, 0xba, 0x29, 0x01},  // BTS
             Bytes{0x0f, 0x28, 0x01},        // MOVAPS
             Bytes{0xc5, 0xf8, 0x28, 0x01},  // VMOVAPS
             Bytes{0xd9, 0x01},              // FLD
             Bytes{0x0f, 0x38, 0xf0, 0x01},  // MOVBE
         }) {
        const auto result = decode_access(bytes, CodeMode::Code64);
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.error(), DecodeError::Unsupported);
    }
    EXPECT_EQ(decode_access(Bytes{0x63, 0x01}, CodeMode::Code32).error(), DecodeError::Unsupported);
}

}  // namespace
}  // namespace hv::hvm
