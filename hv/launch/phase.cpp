// SPDX-License-Identifier: Apache-2.0
#include "hv/launch/phase.hpp"

#include "hv/abi/xen_hvm.hpp"
#include "hv/base/assert.hpp"
#include "hv/base/spinlock.hpp"
#include "hv/dev/log.hpp"
#include "hv/dev/power.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/event/fifo_control.hpp"
#include "hv/event/vcpu_info.hpp"
#include "hv/grant/mapping.hpp"
#include "hv/launch/builder.hpp"
#include "hv/launch/measurement.hpp"
#include "hv/launch/order.hpp"
#include "hv/sched/sched.hpp"

#include <algorithm>
#include <atomic>

namespace hv::hyperlaunch {

namespace {

constinit std::atomic<Phase> now{Phase::Prepare};
constinit boot::Machine* machine = nullptr;
constinit const Plan* plan = nullptr;
// Set when what is required is not measured: nobody else starts.
constinit const launch::Domain* only_one = nullptr;
constinit std::atomic<uint64_t> reap_again_ns{0};  // when patience ends, or 0
constinit Spinlock reap_lock;                      // outermost: one CPU tears down at a time

bool is_service(const domain::Domain& d) {
    return d.expected_end == launch::ExpectedEnd::Never;
}

void start_domains() {
    now.store(Phase::Running, std::memory_order_release);
    for (domain::Domain* d : domain::all()) {
        const LockGuard guard{d->lock};
        if (d->state != domain::State::Built) {
            continue;
        }
        if (only_one != nullptr) {
            if (d->id == only_one->domid) {
                start_unmeasured(*d);
            }
        } else if (!d->is_held) {
            start(*d);
        }
    }
}

// Nothing unmeasured may run: what domB left behind is capped with the error separator.
[[noreturn]] void fail_launch() {
    dev::log("the builder failed before the launch was complete");
    static_cast<void>(cap_with_error(*plan));  // it says itself if it cannot; nothing runs anyway
    dev::Record{"fault"}.with("text", "builder failed in prepare: no domain is started");
    dev::power_off(dev::MachineStatus::Failed);
}

void builder_ended(domain::Domain& builder) {
    if (phase() == Phase::Prepare) {
        strip_builder(builder);
        fail_launch();
    }
    reclaim_builder(*machine, builder);
    now.store(Phase::Gone, std::memory_order_release);
    start_domains();
}

// One that ends right now on another CPU still has its record and last words to write.
bool has_not_left(const domain::Domain& d) {
    return d.state == domain::State::Running ||
           (d.state == domain::State::Ended && !d.is_torn_down.load(std::memory_order_relaxed));
}

// Only a launcher can still start one that is held; it is not torn down while it does so.
bool has_launcher() {
    const auto all = domain::all();
    return std::any_of(all.begin(), all.end(), [](const domain::Domain* d) {
        return d->roles.has(launch::Role::Launcher) && has_not_left(*d);
    });
}

bool is_held_for_recovery(const domain::Domain& d) {
    return d.roles.has(launch::Role::Recovery) && d.state == domain::State::Built;
}

// The launcher has not decided yet: it starts the recovery domain, or decides that it never starts.
bool may_recover() {
    const auto all = domain::all();
    return has_launcher() && std::any_of(all.begin(), all.end(), [](const domain::Domain* d) {
               return is_held_for_recovery(*d);
           });
}

void power_off_after_last() {
    bool as_expected = true;
    for (const domain::Domain* d : domain::all()) {
        const bool serves = is_service(*d) && d->state == domain::State::Running;
        if (d->is_builder || serves || is_held_for_recovery(*d)) {
            continue;
        }
        if (has_not_left(*d) || (d->state == domain::State::Built && has_launcher())) {
            return;
        }
        as_expected &= domain::ended_as_expected(*d);
    }
    if (!as_expected && may_recover()) {
        return;
    }
    dev::power_off(as_expected ? dev::MachineStatus::Ok : dev::MachineStatus::Unexpected);
}

domain::Domain* console_service() {
    for (domain::Domain* d : domain::all()) {
        if (d->roles.has(launch::Role::Console) && d->state == domain::State::Running) {
            return d;
        }
    }
    return nullptr;
}

// Under reap_lock.
void look_again_at(uint64_t time_ns) {
    const uint64_t before = reap_again_ns.load(std::memory_order_relaxed);
    if (before == 0 || time_ns < before) {
        reap_again_ns.store(time_ns, std::memory_order_relaxed);
    }
}

// What an ended domain wrote last may still be in its console ring, or on its way from the service
// to the UART. The service polls only when it has sent everything: so it is told to look once more,
// and the ring is revoked, or the machine turned off, when it polls again. A service that does not
// come back is not waited for.
bool last_words_are_out(domain::Domain& d) {
    constexpr uint64_t patience_ns = 2'000'000'000;
    domain::Domain* service = console_service();
    const auto port = static_cast<uint32_t>(
        d.hvm_params[static_cast<size_t>(abi::HvmParam::HVM_PARAM_CONSOLE_EVTCHN)]);
    if (d.is_builder || service == nullptr || service == &d || port == 0) {
        return true;
    }
    const uint64_t time_ns = sched::now_ns();
    if (d.last_words_since_ns == 0) {
        d.last_words_since_ns = time_ns;
        look_again_at(time_ns + patience_ns);
        return !event::send(d, EvtchnPort{port}).ok();
    }
    const uint64_t until_ns = d.last_words_since_ns + patience_ns;
    if (sched::is_blocked(*service->vcpus[0]) || time_ns >= until_ns) {
        return true;
    }
    look_again_at(until_ns);
    return false;
}

// Whom the end of a domain concerns: who may ask which one it was. Nobody else can tell by it when
// others end, nor has to wake up.
bool is_told_of_ends(const domain::Domain& d) {
    return d.roles.has(launch::Role::Launcher) || d.roles.has(launch::Role::Xenstore);
}

// The design's order: what others can use of it, the translations, then the frames.
void tear_down(domain::Domain& d) {
    {
        const LockGuard said_everything{d.lock};  // who ends it from outside, see stop()
    }
    d.is_torn_down.store(true, std::memory_order_relaxed);
    grant::release_all(d);
    domain::release_foreign(d);
    event::close_all(d);
    event::leave_fifo(d);
    event::release_vcpu_info(d);
    domain::flush_tlb(d);
    if (d.is_builder) {
        builder_ended(d);
    } else {
        for (domain::Domain* other : domain::all()) {
            if (is_told_of_ends(*other)) {
                event::send_global_virq(*other, abi::Virq::VIRQ_DOM_EXC);
            }
        }
    }
    if (phase() == Phase::Running) {
        power_off_after_last();
    }
}

}  // namespace

Phase phase() {
    return now.load(std::memory_order_acquire);
}

void keep_for_reaping(boot::Machine& m, const Plan& p) {
    machine = &m;
    plan = &p;
}

bool enter_capped(bool is_said_measured) {
    // Where hv itself could not measure domB, its word counts for nothing.
    const bool measured = is_said_measured && measurement().is_active;
    if (!measured && plan->graph.measurement == launch::Measurement::Required) {
        only_one = unmeasured_domain(*plan);
        if (only_one == nullptr) {
            return false;
        }
    }
    if (!measured && measurement().is_active) {
        // The TPM failed half way; what runs now runs unmeasured, and without the TPM if that
        // cannot be capped.
        static_cast<void>(cap_with_error(*plan));
    }
    now.store(Phase::Capped, std::memory_order_release);
    dev::Record{"capped"}.with("measured", measured ? "yes" : "no");
    return true;
}

uint64_t reap_deadline_ns() {
    return reap_again_ns.load(std::memory_order_relaxed);
}

void reap() {
    const LockGuard guard{reap_lock};
    reap_again_ns.store(0, std::memory_order_relaxed);
    for (domain::Domain* d : domain::all()) {
        if (d->is_dying.load(std::memory_order_acquire) &&
            !d->is_torn_down.load(std::memory_order_relaxed) && domain::is_quiescent(*d) &&
            last_words_are_out(*d)) {
            tear_down(*d);
        }
    }
}

}  // namespace hv::hyperlaunch
