// SPDX-License-Identifier: Apache-2.0
// A launch in prepare: domB, and two domains that it has still to build. What the tests of the
// doors between the phases begin with.
#pragma once

#include "hv/abi/launch_op.hpp"
#include "hv/launch/launch_op.hpp"
#include "hv/launch/phase.hpp"
#include "tests/unit/hv/launch/launch_machine.hpp"

namespace prepared {

using hv::abi::Errno;
using hv::abi::LaunchOp;
using hv::abi::LaunchOutcome;
using hv::domain::State;
using hv::hyperlaunch::Phase;
using hv::hyperlaunch::phase;
using hv::hyperlaunch::reap;
using launch::Measurement;

constexpr int number(Errno error) {
    return static_cast<int>(error);
}

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

}  // namespace prepared
