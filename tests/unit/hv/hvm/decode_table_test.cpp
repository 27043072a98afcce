// SPDX-License-Identifier: Apache-2.0
// Every opcode of every map, with the prefixes and ModRM forms that change lengths, in all three
// modes, against Capstone.
#include "tests/fuzz/decode_reference.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace hv::hvm {
namespace {

using Prefix = std::vector<uint8_t>;

const std::vector<Prefix> legacy_prefixes = {{0x66}, {0x67},       {0xf2}, {0xf3}, {0xf0},
                                             {0x48}, {0x66, 0x48}, {0x64}, {0x4f}, {0x66, 0x67}};
const std::vector<Prefix> legacy_maps = {{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};
const std::vector<Prefix> extended_maps = {{0xc5, 0xf8},
                                           {0xc5, 0xfd},
                                           {0xc4, 0xe1, 0xfd},
                                           {0xc4, 0xe2, 0x79},
                                           {0xc4, 0xe2, 0xf9},
                                           {0xc4, 0xe3, 0x79},
                                           {0x8f, 0xe8, 0x78},
                                           {0x8f, 0xe9, 0x78},
                                           {0x8f, 0xea, 0x78},
                                           {0x62, 0xf1, 0x7c, 0x48},
                                           {0x62, 0xf2, 0x7d, 0x48},
                                           {0x62, 0xf3, 0x7d, 0x48}};

struct Sweep {
    decode_reference::Reference reference;
    uint64_t inputs = 0;

    // All opcodes after `start`, with ModRM bytes of the given extensions and register fields.
    void run(CodeMode mode, Prefix start, const std::vector<unsigned>& extensions,
             const std::vector<unsigned>& rms) {
        start.resize(max_instruction_bytes, 0x25);
        const size_t at = start_length;
        for (unsigned opcode = 0; opcode < 256; ++opcode) {
            start[at] = static_cast<uint8_t>(opcode);
            for (unsigned mod = 0; mod < 4; ++mod) {
                for (const unsigned extension : extensions) {
                    for (const unsigned rm : rms) {
                        start[at + 1] = static_cast<uint8_t>(mod * 64 + extension * 8 + rm);
                        check(mode, start);
                    }
                }
            }
        }
    }
    void check(CodeMode mode, const Prefix& bytes) {
        ++inputs;
        const auto wrong = reference.disagreement(std::as_bytes(std::span{bytes}), mode);
        ASSERT_FALSE(wrong) << *wrong;
    }
    size_t start_length = 0;
};

class DecodeTable : public testing::TestWithParam<CodeMode> {};

TEST_P(DecodeTable, plain_opcodes) {
    Sweep sweep;
    for (const auto& maps : {legacy_maps, extended_maps}) {
        for (const Prefix& map : maps) {
            sweep.start_length = map.size();
            sweep.run(GetParam(), map, {0, 1, 2, 7}, {0, 4, 5, 6});
        }
    }
    // Agreement counts only where Capstone knows the opcode: about half of the sweep.
    EXPECT_GT(sweep.reference.agreements(), sweep.inputs / 4);
}

TEST_P(DecodeTable, prefixed_opcodes) {
    Sweep sweep;
    for (const Prefix& prefix : legacy_prefixes) {
        for (const Prefix& map : legacy_maps) {
            Prefix start = prefix;
            start.insert(start.end(), map.begin(), map.end());
            sweep.start_length = start.size();
            sweep.run(GetParam(), start, {0, 2}, {4, 5});
        }
    }
    EXPECT_GT(sweep.reference.agreements(), sweep.inputs / 4);
}

INSTANTIATE_TEST_SUITE_P(Modes, DecodeTable,
                         testing::Values(CodeMode::Code16, CodeMode::Code32, CodeMode::Code64));

}  // namespace
}  // namespace hv::hvm
