// SPDX-License-Identifier: Apache-2.0
// The doors between the phases, from domB's side: what it may ask for when, and what its end does.
#include "hv/launch/phase.hpp"

#include "hv/abi/launch_op.hpp"
#include "hv/domain/physmap.hpp"
#include "hv/launch/launch_op.hpp"
#include "tests/unit/hv/launch/launch_machine.hpp"

#include <cstring>

namespace {

using hv::abi::Errno;
using hv::abi::LaunchOp;
using hv::abi::LaunchOutcome;
using hv::domain::State;
using hv::hyperlaunch::Phase;
using hv::hyperlaunch::phase;
using hv::hyperlaunch::reap;
using launch::Measurement;

// domB (0x7fe0) with two domains under construction.
struct Prepared : LaunchMachine {
    explicit Prepared(Measurement policy = Measurement::Off) {
        make_plan(policy);
        builder.domain().is_builder = true;
        for (FakeDomain* d : {&web, &db}) {
            d->domain().state = State::UnderConstruction;
            d->vcpu().is_initialised = false;
        }
        hv::hyperlaunch::keep_for_reaping(boot, plan);
    }
    FakeDomain& web = machine.add_domain(1);
    FakeDomain& db = machine.add_domain(2);
    FakeDomain& builder = machine.add_domain(0x7fe0, 1);

    static constexpr uint64_t argument = 0x3000;
    static constexpr uint64_t not_mapped = uint64_t{1} << 38;
    // 0, or the errno.
    int op(LaunchOp what, uint64_t at, FakeDomain& caller) {
        const auto answer = hv::hyperlaunch::handle_launch_op(
            caller.vcpu(), static_cast<uint64_t>(what), hv::GuestVaddr{at});
        return answer.ok() ? 0 : static_cast<int>(answer.error());
    }
    template <class T>
    int call(LaunchOp what, const T& value) {
        builder.at<T>(argument) = value;
        return op(what, argument, builder);
    }
    int set_vcpu(uint32_t id) {
        return call(LaunchOp::SetVcpu, hv::abi::LaunchVcpu{id, 0x1000, 0x2000, 0});
    }
    int built(uint32_t id, LaunchOutcome outcome = LaunchOutcome::Ready) {
        return call(LaunchOp::Built, hv::abi::LaunchBuilt{id, outcome, {}});
    }
    int cap(uint64_t log_used = 0, uint32_t measured = 0) {
        return call(LaunchOp::Cap, hv::abi::LaunchCap{log_used, measured, 0});
    }
    void build_all() {
        EXPECT_EQ(set_vcpu(1), 0);
        EXPECT_EQ(built(1), 0);
        EXPECT_EQ(built(2, LaunchOutcome::Refused), 0);
    }
    void end_builder() { hv::domain::end(builder.domain(), hv::domain::End::Poweroff, ""); }
};

constexpr int number(Errno error) {
    return static_cast<int>(error);
}

TEST(Phases, straight_way_leads_to_running) {
    alone([] {
        Prepared m;
        EXPECT_EQ(phase(), Phase::Prepare);
        m.build_all();
        EXPECT_EQ(m.cap(), 0);
        EXPECT_EQ(phase(), Phase::Capped);
        EXPECT_TRUE(m.machine.sched.online.empty()) << "nobody runs before domB is gone";
        m.end_builder();
        reap();
        EXPECT_EQ(phase(), Phase::Running);
        EXPECT_EQ(m.web.domain().state, State::Running);
        EXPECT_TRUE(m.machine.sched.online.at(&m.web.vcpu()));
        EXPECT_EQ(m.db.domain().state, State::Refused);
        EXPECT_EQ(m.machine.sched.online.count(&m.db.vcpu()), 0U);
    });
}

TEST(Phases, the_end_of_a_control_domain_gives_back_what_it_has_mapped) {
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

TEST(Phases, nobody_else_may_ask) {
    alone([] {
        Prepared m;
        for (const LaunchOp what : {LaunchOp::GetInfo, LaunchOp::SetVcpu, LaunchOp::Built,
                                    LaunchOp::Cap, LaunchOp::Record, LaunchOp::SetPvVcpu}) {
            EXPECT_EQ(m.op(what, Prepared::argument, m.web), number(Errno::XEN_EPERM));
        }
        EXPECT_EQ(phase(), Phase::Prepare);
    });
}

TEST(Phases, behind_the_cap_every_door_is_shut) {
    alone([] {
        Prepared m;
        m.build_all();
        ASSERT_EQ(m.cap(), 0);
        EXPECT_EQ(m.set_vcpu(1), number(Errno::XEN_EPERM));
        EXPECT_EQ(m.built(2), number(Errno::XEN_EPERM));
        EXPECT_EQ(m.cap(), number(Errno::XEN_EPERM)) << "once is enough";
        EXPECT_EQ(m.op(LaunchOp::GetInfo, Prepared::argument, m.builder), number(Errno::XEN_EPERM));
        EXPECT_EQ(m.db.domain().state, State::Refused);
        EXPECT_EQ(m.call(LaunchOp::Record, hv::abi::LaunchRecord{0, 0}), 0) << "it may still speak";
    });
}

TEST(Phases, cap_waits_until_everything_is_decided) {
    alone([] {
        Prepared m;
        EXPECT_EQ(m.cap(), number(Errno::XEN_EBUSY));
        EXPECT_EQ(m.built(1, LaunchOutcome::Refused), 0);
        EXPECT_EQ(m.cap(), number(Errno::XEN_EBUSY));
        EXPECT_EQ(phase(), Phase::Prepare);
        EXPECT_EQ(m.machine.flushes[&m.builder.domain()], 0U);
        EXPECT_EQ(m.built(2, LaunchOutcome::Refused), 0);
        EXPECT_EQ(m.cap(), 0);
    });
}

TEST(Phases, decisions_are_final) {
    alone([] {
        Prepared m;
        EXPECT_EQ(m.built(1, LaunchOutcome::Refused), 0);
        EXPECT_EQ(m.set_vcpu(1), number(Errno::XEN_EBUSY));
        EXPECT_EQ(m.built(1), number(Errno::XEN_EBUSY));
        EXPECT_EQ(m.web.domain().state, State::Refused);
    });
}

TEST(Phases, arguments_are_checked) {
    alone([] {
        Prepared m;
        EXPECT_EQ(m.built(1), number(Errno::XEN_EINVAL)) << "ready without a start";
        EXPECT_EQ(m.built(1, static_cast<LaunchOutcome>(2)), number(Errno::XEN_EINVAL));
        for (const uint32_t id : {3U, 0x7fe0U, 0x10001U, ~0U}) {
            EXPECT_EQ(m.set_vcpu(id), number(Errno::XEN_ESRCH)) << id;
            EXPECT_EQ(m.built(id), number(Errno::XEN_ESRCH)) << id;
        }
        for (const LaunchOp what : {LaunchOp::GetInfo, LaunchOp::SetVcpu, LaunchOp::Built,
                                    LaunchOp::Cap, LaunchOp::Record}) {
            EXPECT_EQ(m.op(what, Prepared::not_mapped, m.builder), number(Errno::XEN_EFAULT));
        }
        EXPECT_EQ(m.op(static_cast<LaunchOp>(99), 0, m.builder), number(Errno::XEN_ENOSYS));
        EXPECT_EQ(m.call(LaunchOp::Record, hv::abi::LaunchRecord{0, 513}),
                  number(Errno::XEN_E2BIG));
        EXPECT_EQ(m.web.domain().state, State::UnderConstruction);
    });
}

TEST(Phases, log_cannot_shrink_or_outgrow_its_frames) {
    alone([] {
        Prepared m;
        m.build_all();
        auto& measured = hv::hyperlaunch::measurement();
        const hv::Mfn log = m.machine.take_frames(1, hv::mm::FrameUse::EventLog);
        measured.log = {hv::mm::direct_map(log), hv::page_size};
        measured.log_used = 100;
        EXPECT_EQ(m.cap(99), number(Errno::XEN_EINVAL));
        EXPECT_EQ(m.cap(hv::page_size + 1), number(Errno::XEN_EINVAL));
        EXPECT_EQ(m.cap(~uint64_t{0}), number(Errno::XEN_EINVAL));
        EXPECT_EQ(phase(), Phase::Prepare);
        EXPECT_EQ(m.cap(hv::page_size), 0);
        EXPECT_EQ(measured.log_used, hv::page_size);
    });
}

TEST(Phases, required_is_not_capped_unmeasured) {
    alone([] {
        Prepared m{Measurement::Required};
        m.build_all();
        EXPECT_EQ(m.cap(0, 0), number(Errno::XEN_EPERM));
        EXPECT_EQ(phase(), Phase::Prepare);
        m.end_builder();
        EXPECT_THROW(reap(), PoweredOff);
        EXPECT_TRUE(m.machine.sched.online.empty());
    });
}

TEST(Phases, builder_that_ends_in_prepare_fails_the_launch) {
    alone([] {
        Prepared m;
        m.build_all();
        m.end_builder();
        try {
            reap();
            ADD_FAILURE() << "still on";
        } catch (const PoweredOff& off) {
            EXPECT_EQ(off.status, hv::dev::MachineStatus::Failed);
        }
        EXPECT_TRUE(m.says("builder failed in prepare: no domain is started"));
        EXPECT_EQ(m.web.domain().state, State::Built);
        EXPECT_TRUE(m.machine.sched.online.empty());
    });
}

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
