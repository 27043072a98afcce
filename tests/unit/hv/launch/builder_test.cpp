// SPDX-License-Identifier: Apache-2.0
// What domB finds when it starts.
#include "hv/launch/builder.hpp"

#include "tests/unit/hv/launch/launch_machine.hpp"

#include <algorithm>
#include <string>

namespace {

using hv::Gfn;
using hv::mm::Access;

struct Equipped : LaunchMachine {
    Equipped() {
        make_plan(launch::Measurement::Off);
        add_module("a kernel");
        const hv::Mfn copy = machine.take_frames(1, hv::mm::FrameUse::Hypervisor);
        std::copy(measured.begin(), measured.end(), direct_chars(copy));
        plan.lcm = {hv::mm::direct_map(copy), measured.size()};
        // Room for its image and heap. What is in them does not matter here: one frame for all.
        const hv::Mfn ram = machine.take_frames(1, hv::mm::FrameUse::Guest, builder.id());
        for (uint64_t gfn = FakeDomain::ram_pages; gfn < ram_pages; ++gfn) {
            EXPECT_TRUE(builder.domain().p2m.map(Gfn{gfn}, ram, 1, Access::ReadWriteExecute).ok());
        }
        builder.domain().tot_pages = ram_pages;
        hv::hyperlaunch::measurement().builder_image = std::as_bytes(std::span{image});
        hv::hyperlaunch::equip_builder(boot, plan, builder.domain());
    }
    static char* direct_chars(hv::Mfn mfn) {
        return reinterpret_cast<char*>(hv::mm::direct_map(mfn));
    }
    // As domB reads it.
    std::string module(uint32_t index) {
        const auto& range = hv::hyperlaunch::builder_info().modules[index].contents;
        return {&builder.at<char>(range.gpaddr), range.bytes};
    }
    [[nodiscard]] Access access(uint32_t index) const {
        const auto& range = hv::hyperlaunch::builder_info().modules[index].contents;
        return builder.mapping(Gfn{range.gpaddr >> hv::page_shift})->access;
    }

    static constexpr uint64_t ram_pages = 2048;
    static constexpr std::string_view measured{"what hv has measured and decoded"};
    static constexpr std::string_view image{"the image of domB"};
    FakeDomain& builder = machine.add_domain(0x7fe0, 1);
};

TEST(Builder, finds_the_plan_that_hv_has_measured) {
    alone([] {
        Equipped m;
        EXPECT_EQ(m.module(0), Equipped::measured);
        EXPECT_EQ(m.access(0), Access::ReadOnly);
    });
}

TEST(Builder, finds_the_other_modules_where_the_loader_put_them) {
    alone([] {
        Equipped m;
        ASSERT_EQ(hv::hyperlaunch::builder_info().module_count, 3U);
        EXPECT_EQ(m.module(1), Equipped::image);
        EXPECT_EQ(m.module(2), "a kernel");
        EXPECT_EQ(m.access(2), Access::ReadOnly);
    });
}

}  // namespace
