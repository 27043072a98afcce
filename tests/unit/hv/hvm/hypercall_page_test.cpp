// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/hypercall_page.hpp"

#include "hv/hvm/decode_exit.hpp"

#include <array>

#include <gtest/gtest.h>

namespace hv::hvm {
namespace {

struct HypercallPage : testing::Test {
    std::array<std::byte, 4096> page{};
    HypercallPage() { fill_hypercall_page(page); }
    std::span<const std::byte> stub(size_t number) {
        return std::span<const std::byte>{page}.subspan(number * 32, 32);
    }
};

TEST_F(HypercallPage, every_stub_loads_its_number_calls_and_returns) {
    for (const CodeMode mode : {CodeMode::Code32, CodeMode::Code64}) {
        for (size_t number = 0; number < 128; ++number) {
            if (number == 23) {
                continue;
            }
            auto code = stub(number);
            const auto move = decode(code, mode);
            ASSERT_TRUE(move.ok());
            EXPECT_EQ(move.value().opcode, 0xb8);
            EXPECT_EQ(move.value().immediate, static_cast<int64_t>(number));
            code = code.subspan(move.value().length);
            const auto call = instruction_length(code, mode, ExitInstruction::Vmmcall);
            ASSERT_TRUE(call.ok());
            EXPECT_EQ(code[call.value()], std::byte{0xc3});
        }
    }
}

TEST_F(HypercallPage, iret_is_undefined) {
    EXPECT_EQ(stub(23)[0], std::byte{0x0f});
    EXPECT_EQ(stub(23)[1], std::byte{0x0b});
}

TEST_F(HypercallPage, gaps_trap) {
    EXPECT_EQ(stub(0)[9], std::byte{0xcc});
    EXPECT_EQ(stub(127)[31], std::byte{0xcc});
}

}  // namespace
}  // namespace hv::hvm
