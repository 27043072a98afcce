// SPDX-License-Identifier: Apache-2.0
// What domB and domains that have ended leave behind: nothing that anybody could still reach.
#include "hv/domain/physmap.hpp"
#include "tests/unit/hv/launch/prepared.hpp"

#include <cstring>

namespace prepared {
namespace {

TEST(Teardown, waits_until_no_cpu_is_inside) {
    alone([] {
        Prepared m;
        m.build_all();
        ASSERT_EQ(m.cap(), 0);
        m.machine.inside.insert(&m.builder.domain());
        m.end_builder();
        reap();
        EXPECT_EQ(phase(), Phase::Capped);
        EXPECT_FALSE(m.builder.domain().is_torn_down);
        m.machine.inside.clear();
        reap();
        EXPECT_EQ(phase(), Phase::Running);
    });
}

// A CPU may write through an old translation until the flush is over.
TEST(Teardown, frames_are_scrubbed_and_free_only_behind_the_flush) {
    alone([] {
        Prepared m;
        m.build_all();
        ASSERT_EQ(m.cap(), 0);
        std::byte* page = m.builder.page(hv::Gfn{7});
        const hv::Mfn frame = m.builder.mfn(hv::Gfn{7});
        std::memset(page, 0x5a, hv::page_size);
        const uint64_t free_before = m.boot.free_frames.free_count();
        unsigned flushes = 0;
        m.machine.on_flush = [&](hv::domain::Domain& d) {
            EXPECT_EQ(&d, &m.builder.domain());
            EXPECT_EQ(page[0], std::byte{0x5a}) << "scrubbed while it can still be written";
            EXPECT_TRUE(hv::mm::machine_frames.is_guest_frame_of(frame, d.id));
            EXPECT_EQ(m.boot.free_frames.free_count(), free_before);
            EXPECT_TRUE(m.machine.sched.online.empty());
            page[1] = std::byte{0xee};  // the last moment
            ++flushes;
        };
        m.end_builder();
        reap();
        EXPECT_EQ(flushes, 1U);
        EXPECT_EQ(page[0], std::byte{});
        EXPECT_EQ(page[1], std::byte{});
        EXPECT_FALSE(hv::mm::machine_frames.is_guest_frame_of(frame, m.builder.id()));
        EXPECT_TRUE(m.says("event=builder-gone"));
        EXPECT_TRUE(m.boot.info.modules.empty());
    });
}

TEST(Teardown, domb_loses_what_it_mapped_at_the_cap) {
    alone([] {
        Prepared m;
        m.build_all();
        constexpr hv::Gfn tpm{0xfed40};
        auto& p2m = m.builder.domain().p2m;
        ASSERT_TRUE(p2m.map_device(tpm, hv::Mfn{0xfed40}, 5).ok());
        m.machine.on_flush = [&](hv::domain::Domain&) {
            EXPECT_FALSE(m.builder.mapping(tpm).has_value()) << "flushed too early";
            EXPECT_EQ(phase(), Phase::Prepare);
        };
        ASSERT_EQ(m.cap(), 0);
        EXPECT_EQ(m.machine.flushes[&m.builder.domain()], 1U);
        EXPECT_FALSE(m.builder.mapping(tpm).has_value());
    });
}

// A domain that has been measured is domB's no longer, wherever domB would have liked to keep it.
TEST(Teardown, domb_has_no_frame_of_others_behind_the_cap) {
    alone([] {
        Prepared m;
        hv::domain::Domain& domb = m.builder.domain();
        constexpr uint64_t first = hv::domain::builder_window_first.value();
        constexpr uint64_t end = first + hv::domain::builder_window_pages;
        uint32_t mapped = 0;
        for (const uint64_t at : {FakeDomain::ram_pages, first - 1, first, first + 0x54321, end - 1,
                                  end, end + 0x12345}) {
            const auto tried =
                hv::domain::map_foreign(domb, hv::Gfn{at}, m.web.domain(), hv::Gfn{3});
            mapped += tried.ok() ? 1 : 0;
        }
        EXPECT_EQ(m.machine.foreign_mappings(m.web.mfn(hv::Gfn{3})), mapped);
        EXPECT_GT(mapped, 0U);
        m.build_all();
        ASSERT_EQ(m.cap(), 0);
        for (auto at = domb.p2m.next_mapped(hv::Gfn{}); at; at = domb.p2m.next_mapped(*at + 1)) {
            const hv::Mfn mfn = domb.p2m.lookup(*at)->mfn;
            EXPECT_TRUE(hv::mm::machine_frames.is_guest_frame_of(mfn, domb.id)) << at->value();
        }
        EXPECT_EQ(m.machine.foreign_mappings(m.web.mfn(hv::Gfn{3})), 0U);
    });
}

TEST(Teardown, the_end_of_a_control_domain_gives_back_what_it_has_mapped) {
    alone([] {
        Prepared m;
        ASSERT_EQ(m.set_vcpu(1), 0);
        ASSERT_EQ(m.set_vcpu(2), 0);
        ASSERT_EQ(m.built(1), 0);
        ASSERT_EQ(m.built(2), 0);
        ASSERT_EQ(m.cap(), 0);
        m.end_builder();
        reap();
        const hv::Gfn window{0x200};
        const hv::Mfn frame = m.db.mfn(hv::Gfn{3});
        m.web.domain().roles.add(launch::Role::Control);
        ASSERT_TRUE(
            hv::domain::map_foreign(m.web.domain(), window, m.db.domain(), hv::Gfn{3}).ok());
        ASSERT_EQ(m.machine.foreign_mappings(frame), 1U);
        hv::domain::end(m.web.domain(), hv::domain::End::Poweroff, "");
        reap();
        EXPECT_EQ(m.machine.foreign_mappings(frame), 0U);
        EXPECT_FALSE(m.web.mapping(window));
    });
}

TEST(Teardown, last_domain_turns_the_machine_off) {
    for (const bool is_orderly : {true, false}) {
        alone([&] {
            Prepared m;
            m.build_all();
            m.db.domain().state = State::Ended;  // as if it had run before
            m.db.domain().is_torn_down = true;
            m.machine.ended[&m.db.domain()] = hv::domain::End::Poweroff;
            ASSERT_EQ(m.cap(), 0);
            m.end_builder();
            reap();
            ASSERT_EQ(phase(), Phase::Running);
            hv::domain::end(m.web.domain(),
                            is_orderly ? hv::domain::End::Poweroff : hv::domain::End::Crash, "");
            try {
                reap();
                ADD_FAILURE() << "still on";
            } catch (const PoweredOff& off) {
                EXPECT_EQ(off.status, is_orderly ? hv::dev::MachineStatus::Ok
                                                 : hv::dev::MachineStatus::Unexpected);
            }
            EXPECT_EQ(m.machine.flushes[&m.web.domain()], 1U);
        });
    }
}

}  // namespace
}  // namespace prepared
