// SPDX-License-Identifier: Apache-2.0
#include "hv/domain/domain.hpp"

#include "hv/dev/log.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/sched/sched.hpp"

#include <algorithm>

namespace hv::domain {

namespace {

constinit StaticVector<Domain*, launch::max_domains + 1> domains;  // the plan's and domB

std::string_view to_text(End why) {
    switch (why) {
        case End::Poweroff:
            return "poweroff";
        case End::Reboot:
            return "reboot";
        case End::Suspend:
            return "suspend";
        case End::Crash:
            return "crash";
        case End::Watchdog:
            return "watchdog";
        case End::SoftReset:
            return "soft-reset";
        case End::TripleFault:
            return "triple-fault";
        case End::Stopped:
            return "stopped";
        case End::NotStarted:
            return "not-started";
        case End::Killed:
            break;
    }
    return "killed";
}

bool is_expected(const Domain& d, End why) {
    if (why == End::NotStarted && d.roles.has(launch::Role::Recovery)) {
        return true;  // it waits for what hopefully never comes
    }
    switch (d.expected_end) {
        case launch::ExpectedEnd::Poweroff:
            return why == End::Poweroff;
        case launch::ExpectedEnd::Reboot:
            return why == End::Reboot;
        case launch::ExpectedEnd::Crash:
            return why == End::Crash || why == End::TripleFault || why == End::Killed;
        case launch::ExpectedEnd::Never:
            break;
    }
    return false;
}

}  // namespace

Domain* find(DomainId id) {
    const auto at =
        std::find_if(domains.begin(), domains.end(), [&](Domain* d) { return d->id == id; });
    return at == domains.end() ? nullptr : *at;
}

std::span<Domain* const> all() {
    return {domains.begin(), domains.size()};
}

void add(Domain& domain) {
    ASSERT(find(domain.id) == nullptr);
    ASSERT(domains.push(&domain).ok());
}

void end(Domain& d, End why, std::string_view detail) {
    if (d.is_dying.exchange(true)) {
        return;
    }
    d.end = why;
    d.state = State::Ended;
    d.fate.put(to_text(why));
    if (!detail.empty()) {
        d.fate.put(": ").put(detail);
        TextOf<512> text;
        text.put(d.name).put(": ").put(to_text(why)).put(": ").put(detail);
        dev::log(text.view());
    }
    for (Vcpu* v : d.vcpus) {
        sched::set_online(*v, false);
    }
    if (!d.is_builder) {
        dev::Record{"domain-ended"}
            .with("domid", d.id.value())
            .with("name", d.name)
            .with("how", to_text(why))
            .with("expected", is_expected(d, why) ? "yes" : "no");
    }
}

bool is_quiescent(const Domain& d) {
    return std::all_of(d.vcpus.begin(), d.vcpus.end(),
                       [](const Vcpu* v) { return sched::is_offline(*v); });
}

bool ended_as_expected(const Domain& d) {
    return d.state == State::Ended && is_expected(d, d.end);
}

}  // namespace hv::domain
