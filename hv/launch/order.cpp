// SPDX-License-Identifier: Apache-2.0
#include "hv/launch/order.hpp"

#include "hv/abi/xen_hvm.hpp"
#include "hv/dev/log.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/launch/create.hpp"
#include "hv/launch/measurement.hpp"
#include "hv/sched/sched.hpp"

#include <algorithm>
#include <cstring>

namespace hv::hyperlaunch {

namespace {

using abi::Errno;
using abi::HvmParam;
using launch::Role;

// The TPM changes hands: domB has left it idle and without an active locality. The domain gets
// locality 0 alone; the other pages read as absent, so nobody can reset or extend PCR 21 again.
void give_tpm(domain::Domain& d) {
    if (measurement().is_active && d.roles.has(Role::Tpm)) {
        const Gfn gfn{tpm_base.value() >> page_shift};
        if (!d.p2m.map_device(gfn, to_mfn(tpm_base), 1).ok()) {
            dev::log("no nested page table left for the TPM");
        }
    }
}

// domB is no domain of the plan.
Result<domain::Domain*, Errno> find_planned(uint32_t domid) {
    domain::Domain* d =
        domid > 0xffff ? nullptr : domain::find(DomainId{static_cast<uint16_t>(domid)});
    if (d == nullptr || d->is_builder) {
        return Err{Errno::XEN_ESRCH};
    }
    return d;
}

// With its lock held. What is refused or torn down does not exist for others, as elsewhere.
bool exists(const domain::Domain& d) {
    return d.state != domain::State::Refused && !d.is_torn_down.load(std::memory_order_acquire);
}

// With its lock held.
abi::LaunchState state_of(const domain::Domain& d) {
    if (d.is_torn_down.load(std::memory_order_acquire)) {
        return abi::LaunchState::Ended;
    }
    switch (d.state) {
        case domain::State::Built:
            return abi::LaunchState::Held;
        case domain::State::Refused:
            return abi::LaunchState::Refused;
        case domain::State::UnderConstruction:  // there is none any more when the launcher runs
        case domain::State::Running:
        case domain::State::Ended:  // soon torn down
            break;
    }
    return abi::LaunchState::Running;
}

// The page is there, and zero, until its domain runs.
bool tell_reason(domain::Domain& d, std::string_view reason) {
    return d.p2m.with_page(recovery_reason_gfn, true, [reason](std::byte* page) {
        std::memcpy(page, reason.data(), std::min<size_t>(reason.size(), page_size - 1));
    });
}

void record_recovery(const domain::Domain& d, std::string_view reason) {
    constexpr size_t most_recorded = 150;  // a byte takes up to three in a line of 640
    dev::Record{"recovery-started"}
        .with("domid", d.id.value())
        .with("reason", reason.substr(0, most_recorded));
}

}  // namespace

void start(domain::Domain& d) {
    give_tpm(d);
    d.state = domain::State::Running;
    dev::Record{"domain-started"}.with("domid", d.id.value()).with("name", d.name);
    sched::set_online(*d.vcpus[0], true);
}

// Its rings stay what they are, pages of its own; nobody is at their other end, so it is not told
// of them. It has no TPM and no log, because the decoder gives it no role for them.
void start_unmeasured(domain::Domain& d) {
    constexpr std::string_view reason = "measurement is required and has failed";
    event::close_all(d);
    for (const HvmParam param :
         {HvmParam::HVM_PARAM_CONSOLE_PFN, HvmParam::HVM_PARAM_CONSOLE_EVTCHN,
          HvmParam::HVM_PARAM_STORE_PFN, HvmParam::HVM_PARAM_STORE_EVTCHN}) {
        d.hvm_params[static_cast<size_t>(param)] = 0;
    }
    d.roles = {};
    static_cast<void>(tell_reason(d, reason));
    record_recovery(d, reason);
    start(d);
}

Result<void, Errno> start_held(DomainId id) {
    domain::Domain& d = *TRY(find_planned(id.value()));
    const LockGuard guard{d.lock};
    if (!exists(d)) {
        return Err{Errno::XEN_ESRCH};
    }
    if (d.state != domain::State::Built || d.roles.has(Role::Recovery)) {
        return Err{Errno::XEN_EINVAL};
    }
    start(d);
    return Ok{};
}

Result<void, Errno> stop(const domain::Domain& caller, DomainId id) {
    domain::Domain& d = *TRY(find_planned(id.value()));
    if (&d == &caller) {
        return Err{Errno::XEN_EINVAL};
    }
    // Held until everything is said: no CPU of the domain keeps the teardown away until then.
    const LockGuard guard{d.lock};
    if (!exists(d)) {
        return Err{Errno::XEN_ESRCH};
    }
    domain::end(d, d.state == domain::State::Built ? domain::End::NotStarted : domain::End::Stopped,
                "");
    sched::yield_current();  // to the run loop, which tears down
    return Ok{};
}

Result<abi::LaunchFate, Errno> fate_of(uint32_t domid) {
    domain::Domain& d = *TRY(find_planned(domid));
    const LockGuard guard{d.lock};
    abi::LaunchFate fate{.domid = domid, .state = state_of(d)};
    if (fate.state == abi::LaunchState::Ended || fate.state == abi::LaunchState::Refused) {
        fate.as_expected = domain::ended_as_expected(d) ? 1 : 0;
        const std::string_view why = d.fate.view();
        why.copy(fate.reason, sizeof(fate.reason) - 1);
    }
    return fate;
}

Result<void, Errno> start_recovery(std::string_view reason) {
    const auto all = domain::all();
    const auto found = std::find_if(all.begin(), all.end(), [](const domain::Domain* d) {
        return d->roles.has(Role::Recovery);
    });
    if (found == all.end()) {
        return Err{Errno::XEN_ESRCH};
    }
    domain::Domain& d = **found;
    const LockGuard guard{d.lock};
    if (d.state != domain::State::Built || !tell_reason(d, reason)) {
        return Err{Errno::XEN_EINVAL};
    }
    record_recovery(d, reason);
    start(d);
    return Ok{};
}

}  // namespace hv::hyperlaunch
