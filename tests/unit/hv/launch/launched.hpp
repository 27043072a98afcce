// SPDX-License-Identifier: Apache-2.0
// A launch that is complete, with a launcher: what the tests of its order begin with.
#pragma once

#include "hv/abi/launch_op.hpp"
#include "hv/launch/create.hpp"
#include "hv/launch/launch_op.hpp"
#include "hv/launch/order.hpp"
#include "hv/launch/phase.hpp"
#include "tests/unit/hv/launch/launch_machine.hpp"

#include <array>
#include <cstring>
#include <optional>

namespace order {

using hv::DomainId;
using hv::abi::Errno;
using hv::abi::LaunchFate;
using hv::abi::LaunchOp;
using hv::abi::LaunchState;
using hv::dev::MachineStatus;
using hv::domain::End;
using hv::domain::State;
using hv::hyperlaunch::reap;
using hv::hyperlaunch::start_held;
using hv::hyperlaunch::stop;
using launch::Role;

constexpr int number(Errno error) {
    return static_cast<int>(error);
}
template <class T>
int code(const hv::Result<T, Errno>& result) {
    return result.ok() ? 0 : number(result.error());
}

// A launch that domB has completed: a launcher, which is a service, a domain that starts at once,
// one that waits for it, the recovery domain, and one that domB has refused.
struct Launched : LaunchMachine {
    Launched() {
        make_plan(launch::Measurement::Off);
        hv::hyperlaunch::keep_for_reaping(boot, plan);
        for (FakeDomain* d : {&launcher, &first, &second, &recovery}) {
            d->domain().state = State::Built;
        }
        launcher.domain().roles.add(Role::Launcher);
        launcher.domain().expected_end = launch::ExpectedEnd::Never;
        second.domain().is_held = true;
        recovery.domain().is_held = true;
        recovery.domain().roles.add(Role::Recovery);
        const hv::Mfn page = machine.take_frames(1, hv::mm::FrameUse::Guest, recovery.id());
        EXPECT_TRUE(
            recovery.domain()
                .p2m.map(hv::hyperlaunch::recovery_reason_gfn, page, 1, hv::mm::Access::ReadWrite)
                .ok());
        builder.domain().is_builder = true;
    }
    // domB ends; 0 if the machine is still on, else how it went off.
    std::optional<MachineStatus> begin() {
        EXPECT_TRUE(hv::hyperlaunch::enter_capped(false));
        hv::domain::end(builder.domain(), End::Poweroff, "");
        return off();
    }
    std::optional<MachineStatus> off() {
        try {
            reap();
            return std::nullopt;
        } catch (const PoweredOff& status) {
            return status.status;
        }
    }
    std::optional<MachineStatus> end(FakeDomain& d, End why = End::Poweroff) {
        hv::domain::end(d.domain(), why, "");
        return off();
    }
    bool runs(FakeDomain& d) {
        return d.domain().state == State::Running && machine.sched.online.count(&d.vcpu()) != 0 &&
               machine.sched.online.at(&d.vcpu());
    }
    // By the launcher's vCPU: 0, or the errno.
    template <class T>
    int call(LaunchOp what, T& value) {
        launcher.at<T>(argument) = value;
        const int result = op(what, argument);
        value = launcher.at<T>(argument);
        return result;
    }
    int op(LaunchOp what, uint64_t at) {
        return code(hv::hyperlaunch::handle_launch_op(launcher.vcpu(), static_cast<uint64_t>(what),
                                                      hv::GuestVaddr{at}));
    }
    int record(std::string_view line) {
        std::memcpy(&launcher.at<char>(text), line.data(), line.size());
        hv::abi::LaunchRecord request{text, static_cast<uint32_t>(line.size()), 0};
        return call(LaunchOp::Record, request);
    }
    int recover(std::string_view reason) {
        std::memcpy(&launcher.at<char>(text), reason.data(), reason.size());
        hv::abi::LaunchRecovery request{text, static_cast<uint32_t>(reason.size()), 0};
        return call(LaunchOp::Recover, request);
    }
    // The fate of a domain that there is.
    LaunchFate fate(uint32_t id) {
        LaunchFate answer{};
        std::memset(&answer, 0xee, sizeof(answer));
        answer.domid = id;
        EXPECT_EQ(call(LaunchOp::GetFate, answer), 0);
        return answer;
    }

    static constexpr uint64_t argument = 0x3000;
    static constexpr uint64_t text = 0x4000;
    static constexpr uint64_t not_mapped = uint64_t{1} << 38;
    FakeDomain& launcher = machine.add_domain(1, 1);
    FakeDomain& first = machine.add_domain(2, 1);
    FakeDomain& second = machine.add_domain(3, 1);
    FakeDomain& recovery = machine.add_domain(4, 1);
    FakeDomain& builder = machine.add_domain(0x7fe0, 1);
};

}  // namespace order
