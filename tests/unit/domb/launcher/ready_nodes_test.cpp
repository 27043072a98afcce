// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/domb/launcher/fake_world.hpp"

namespace launcher::test {
namespace {

using launch::ReadyWhen;
using Kind = LauncherPlanDeviceKind;

// Two applications with disks and interfaces of a driver domain.
struct Devices : ::testing::Test {
    Devices() {
        set_ready(m.add("driver"), ReadyWhen::Serving);
        for (const auto* const name : {"one", "two"}) {
            Entry& app = m.add(name, {0});
            set_ready(app, ReadyWhen::Connected);
            add_device(app, Kind::vbd, 1, 51712);
            add_device(app, Kind::vif, 1, 0);
        }
        add_device(m.written.entries[2], Kind::console, 9, 1);
        m.written.head.xenstore = 8;
        m.begin();
    }
    std::string lack(Index domain) {
        hv::TextOf<200> text;
        m.nodes.put_lack(text, domain);
        return std::string{text.view()};
    }
    Launch m;
};

TEST_F(Devices, of_a_back_end_are_all_that_it_serves) {
    ASSERT_EQ(m.nodes.size(), 4U + 2 + 3);
    EXPECT_EQ(m.path(0), "/local/domain/1/backend/vbd/2/51712/state");
    EXPECT_EQ(m.path(3), "/local/domain/1/backend/vif/3/0/state");
    EXPECT_EQ(m.path(8), "/local/domain/9/backend/console/3/1/state");
    for (size_t node = 0; node < 4; ++node) {
        EXPECT_FALSE(m.nodes.are_met(0));
        m.nodes.set(node, "2");
    }
    EXPECT_TRUE(m.nodes.are_met(0));
    EXPECT_FALSE(m.nodes.are_met(1));
}

TEST_F(Devices, states_that_make_ready) {
    const auto is_met = [this](size_t node, std::string_view value) {
        m.nodes.set(node, value);
        return m.nodes[node].is_met;
    };
    const std::string_view nul("4\0", 2);
    for (const std::string_view value : {"2", "3", "4"}) {
        EXPECT_TRUE(is_met(0, value)) << value;
    }
    for (const std::string_view value :
         {"", "0", "1", "5", "6", "7", "8", "9", "44", "-4", " 4", "4 ", "x", nul.data()}) {
        if (value != "4") {
            EXPECT_FALSE(is_met(0, value)) << value;
        }
    }
    EXPECT_FALSE(is_met(0, nul));
    EXPECT_FALSE(is_met(0, std::string(4096, '4')));
    EXPECT_TRUE(is_met(4, "4"));
    EXPECT_FALSE(is_met(4, "2"));
}

TEST_F(Devices, what_they_lack_is_said) {
    EXPECT_EQ(lack(0), "back end vbd 2/51712 has no state");
    m.nodes.set(0, "2");
    m.nodes.set(1, "1");
    EXPECT_EQ(lack(0), "back end vif 2/0 is in state 1 (Initialising)");
    m.nodes.set(1, "\x1b[2J and more than is shown");
    EXPECT_EQ(lack(0), "back end vif 2/0 has the state \"?[2J and more th\"");
    m.nodes.set(1, std::nullopt);
    EXPECT_EQ(lack(0), "back end vif 2/0 has no state");
    m.nodes.set(4, "6");
    EXPECT_EQ(lack(1), "back end vbd 2/51712 is in state 6 (Closed)");
}

TEST(ReadyNodes, values_and_console_lines) {
    Launch m;
    set_ready(m.add("any"), ReadyWhen::Xenstore, "data/up");
    set_ready(m.add("one"), ReadyWhen::Xenstore, "data", "yes");
    set_ready(m.add("console"), ReadyWhen::Console, "", "login:");
    m.written.head.console = 7;
    m.begin();
    ASSERT_EQ(m.nodes.size(), 3U);
    EXPECT_EQ(m.path(0), "/local/domain/1/data/up");
    EXPECT_EQ(m.path(1), "/local/domain/2/data");
    EXPECT_EQ(m.path(2), "/local/domain/7/matched/3");
    for (size_t node = 0; node < 3; ++node) {
        for (const std::string_view value : {"", "no", "yes", "1"}) {
            m.nodes.set(node, value);
            const bool expected = node == 0 ? !value.empty() : value == (node == 1 ? "yes" : "1");
            EXPECT_EQ(m.nodes[node].is_met, expected) << node << " " << value;
        }
    }
    m.nodes.set(0, "");
    hv::TextOf<200> empty;
    m.nodes.put_lack(empty, 0);
    EXPECT_EQ(empty.view(), "data/up is empty");
    m.nodes.set(2, "0");
    hv::TextOf<200> text;
    m.nodes.put_lack(text, 2);
    EXPECT_EQ(text.view(), "its console has not printed \"login:\"");
}

TEST(ReadyNodes, of_the_largest_plan_have_room) {
    Launch m;
    for (size_t i = 0; i < max_entries; ++i) {
        Entry& entry = m.add("d");
        set_ready(entry, i == 0 ? ReadyWhen::Serving : ReadyWhen::Connected);
        for (uint32_t id = 0; id < hv::abi::launcher_plan_max_devices; ++id) {
            add_device(entry, Kind::vif, 1, id);
        }
    }
    m.begin();
    EXPECT_EQ(m.nodes.size(), (2 * max_entries - 1) * hv::abi::launcher_plan_max_devices);
}

}  // namespace
}  // namespace launcher::test
