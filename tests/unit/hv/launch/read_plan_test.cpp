// SPDX-License-Identifier: Apache-2.0
// The plan against the modules that the loader delivered.
#include "hv/launch/launch.hpp"
#include "launch-config/model/encode.hpp"
#include "tests/unit/hv/launch/launch_machine.hpp"

#include <algorithm>
#include <cstring>

namespace {

using hv::hyperlaunch::Plan;
using hv::hyperlaunch::read_plan;

launch::LaunchGraph small_graph() {
    launch::LaunchGraph graph;
    graph.builder = {.module_index = 1, .name = "domb", .source = "domb.bin", .size_bytes = 4};
    launch::Domain d;
    d.domid = hv::DomainId{1};
    d.name = "web";
    d.path = "/domains/0";
    d.memory_bytes = d.max_memory_bytes = 16 << 20;
    d.kernel = {.module_index = 2, .name = "vmlinux", .source = "vmlinuz", .size_bytes = 6};
    d.initrd =
        launch::Artifact{.module_index = 3, .name = "initrd", .source = "initrd", .size_bytes = 6};
    EXPECT_TRUE(graph.domains.push(d).ok());
    return graph;
}

struct Delivered : LaunchMachine {
    explicit Delivered(std::initializer_list<std::string_view> modules,
                       const launch::LaunchGraph& graph = small_graph()) {
        add_module(launch::encode(graph));
        for (const std::string_view contents : modules) {
            add_module(contents);
        }
    }
    // Whether it goes on, and the line that it has left for people.
    bool goes_on_saying(std::string_view line) { return stops_with().empty() && says(line); }
    // What it stops with; empty if it does not.
    std::string stops_with() {
        try {
            read_plan(boot);
            return {};
        } catch (const Stopped& stopped) {
            return stopped.message;
        }
    }
};

TEST(ReadPlan, plan_is_a_private_copy) {
    alone([] {
        Delivered m{"domb", "kernel", "initrd"};
        std::string line = "loglevel=2";
        m.boot.info.command_line = line;
        const Plan& plan = read_plan(m.boot);
        line.assign(line.size(), 'x');
        std::memset(hv::mm::direct_map(m.boot.info.modules[0].first), 0xee,
                    m.boot.info.modules[0].bytes);
        EXPECT_EQ(plan.effective_cmdline, "loglevel=2");
        EXPECT_EQ(plan.graph.domains[0].name, "web");
        EXPECT_EQ(plan.lcm[0], std::byte{0xd0}) << "a device tree begins so";
        EXPECT_TRUE(m.says("event=lcm domains=1"));
    });
}

// domB reads these frames: nothing else of hv's may be in them.
TEST(ReadPlan, plan_is_alone_in_its_frames) {
    alone([] {
        Delivered m{"domb", "kernel", "initrd"};
        ASSERT_TRUE(m.boot.arena.bytes(8, 8).ok());  // the arena has begun a page
        m.boot.info.command_line = "loglevel=2";
        const std::span lcm = read_plan(m.boot).lcm;
        const auto next = m.boot.arena.bytes(8, 8);
        ASSERT_TRUE(next.ok());
        const auto frame = [](const void* at) { return hv::to_mfn(hv::mm::to_paddr(at)); };
        EXPECT_EQ(hv::page_offset(hv::mm::to_paddr(lcm.data()).value()), 0U);
        const hv::Mfn last = frame(&lcm.back());
        EXPECT_NE(last, frame(next.value()));
        const std::byte* const end = hv::mm::direct_map(last + 1);
        EXPECT_TRUE(std::all_of(lcm.data() + lcm.size(), end,
                                [](std::byte b) { return b == std::byte{}; }));
    });
}

TEST(ReadPlan, no_modules_no_plan) {
    alone([] {
        LaunchMachine m;
        EXPECT_THROW(read_plan(m.boot), Stopped);
    });
}

TEST(ReadPlan, missing_modules_are_named) {
    alone([] {
        EXPECT_TRUE(Delivered({"domb", "kernel"})
                        .goes_on_saying("domain web (/domains/0): initrd: boot module 3 is "
                                        "missing: the loader delivered 3"));
    });
    alone([] {
        EXPECT_TRUE(Delivered({"domb"}).goes_on_saying(
            "domain web (/domains/0): vmlinux: boot module 2 is missing: the loader delivered 2"));
    });
    alone([] {
        EXPECT_EQ(Delivered({}).stops_with(),
                  "builder: domb: boot module 1 is missing: the loader delivered 1");
    });
}

TEST(ReadPlan, modules_of_another_size_are_named) {
    alone([] {
        EXPECT_TRUE(Delivered({"domb", "kerne", "initrd"})
                        .goes_on_saying("domain web (/domains/0): vmlinux: boot module 2 has 5 "
                                        "bytes, expected 6"));
    });
    alone([] {
        EXPECT_TRUE(Delivered({"domb", "kernel", "initrd!"})
                        .goes_on_saying("domain web (/domains/0): initrd: boot module 3 has 7 "
                                        "bytes, expected 6"));
    });
    alone([] {
        Delivered m{"domb", "kernel", "initrd"};
        EXPECT_EQ(m.stops_with(), "");
        EXPECT_FALSE(m.says("boot module")) << "all is well";
    });
    alone([] {
        EXPECT_EQ(Delivered({"", "kernel", "initrd"}).stops_with(),
                  "builder: domb: boot module 1 has 0 bytes, expected 4");
    });
}

TEST(ReadPlan, superfluous_modules_are_nobodys) {
    alone([] { EXPECT_EQ(Delivered({"domb", "kernel", "initrd", "more"}).stops_with(), ""); });
}

TEST(ReadPlan, plan_itself_is_no_artefact) {
    alone([] {
        launch::LaunchGraph graph = small_graph();
        graph.builder.module_index = 0;
        const std::string message = Delivered({"domb", "kernel", "initrd"}, graph).stops_with();
        EXPECT_NE(message.find("module"), std::string::npos) << message;
    });
}

TEST(ReadPlan, broken_plan_is_refused) {
    alone([] {
        Delivered m{"domb", "kernel", "initrd"};
        hv::mm::direct_map(m.boot.info.modules[0].first)[0] ^= std::byte{1};
        EXPECT_EQ(m.stops_with().find("launch control module refused: "), 0U);
    });
    alone([] {
        Delivered m{"domb", "kernel", "initrd"};
        m.boot.info.modules[0].bytes -= 1;
        EXPECT_EQ(m.stops_with().find("launch control module refused: "), 0U);
    });
    alone([] {
        Delivered m{"domb", "kernel", "initrd"};
        m.boot.info.modules[0].bytes = launch::max_lcm_bytes + 1;
        EXPECT_EQ(m.stops_with(), "launch control module refused: larger than 1 MiB");
    });
}

}  // namespace
