// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/pci_walk.hpp"

#include <map>
#include <tuple>

#include <gtest/gtest.h>

namespace {

using hv::dev::BusMasters;
using hv::dev::PciFunction;

using Place = std::tuple<uint32_t, uint32_t, uint32_t>;  // bus, device, function

constexpr uint32_t io_memory_and_master = 0x0007;
constexpr uint32_t status = 0xf9000000;  // bits that clear when a one is written
constexpr uint32_t multi_function = 0x00800000;

struct Registers {
    uint32_t command = status | io_memory_and_master;
    uint32_t header = 0;
    unsigned writes = 0;
};

// Functions that are there; all others read as all ones.
struct FakeConfig {
    std::map<Place, Registers>* functions;

    [[nodiscard]] uint32_t read(PciFunction at, uint32_t offset) const {
        const auto found = functions->find({at.bus, at.device, at.function});
        if (found == functions->end()) {
            return ~0U;
        }
        return offset == 4    ? found->second.command
               : offset == 12 ? found->second.header
                              : 0x12348086;
    }
    void write(PciFunction at, uint32_t offset, uint32_t value) const {
        ASSERT_EQ(offset, 4U);
        Registers& function = functions->at({at.bus, at.device, at.function});
        function.command = (function.command & 0xffff0000 & ~value) | (value & 0xffff);
        ++function.writes;
    }
};

TEST(PciWalk, every_function_of_every_bus_loses_bus_mastering) {
    // 128 is a root bus of its own: no bridge leads there.
    std::map<Place, Registers> functions{
        {{0, 0, 0}, {}},   {{0, 31, 0}, {.header = multi_function}},
        {{0, 31, 7}, {}},  {{1, 0, 0}, {}},
        {{128, 3, 0}, {}}, {{255, 31, 0}, {.header = multi_function}},
        {{255, 31, 1}, {}}};
    EXPECT_EQ(BusMasters{FakeConfig{&functions}}.disable_all(), functions.size());
    for (const auto& [place, function] : functions) {
        EXPECT_EQ(function.command, status | 3) << std::get<0>(place) << ':' << std::get<1>(place);
    }
    EXPECT_EQ(BusMasters{FakeConfig{&functions}}.disable_all(), 0U);
}

TEST(PciWalk, what_masters_no_bus_is_left_alone) {
    std::map<Place, Registers> functions{{{0, 1, 0}, {.command = 3}}};
    EXPECT_EQ(BusMasters{FakeConfig{&functions}}.disable_all(), 0U);
    EXPECT_EQ((functions.at({0, 1, 0}).writes), 0U);
}

// A device of one function may answer for it at the numbers of the others, too.
TEST(PciWalk, device_of_one_function_is_counted_once) {
    std::map<Place, Registers> functions{{{0, 1, 0}, {}}, {{0, 1, 1}, {}}};
    EXPECT_EQ(BusMasters{FakeConfig{&functions}}.disable_all(), 1U);
    EXPECT_EQ((functions.at({0, 1, 1}).writes), 0U);
}

}  // namespace
