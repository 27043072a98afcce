// SPDX-License-Identifier: Apache-2.0
// What failures and crashes lead to; the rest of Sequence is in sequence.cpp.
#include "domb/services/launcher/sequence.hpp"
#include "domb/services/launcher/texts.hpp"

namespace launcher {

using launch::Policy;

namespace {

// Nobody recovers from the recovery domain's own failure.
Policy policy_of(const Entry& entry, uint8_t of_plan) {
    const auto policy = static_cast<Policy>(of_plan);
    return policy == Policy::Recovery && entry.is_recovery != 0 ? Policy::Ignore : policy;
}

}  // namespace

void Sequence::fail(Index i, std::string_view where, std::string_view why) {
    const Entry& entry = plan_.entries[i];
    const Policy policy = policy_of(entry, entry.on_failure);
    domains_[i].stage = policy == Policy::Ignore ? Stage::Ready : Stage::Failed;
    has_changed_ = true;
    TextOfMessage message;
    put_subject(message, entry, where).put(why);
    report(i, message.view(), policy);
}

void Sequence::crash(Index i) {
    const Entry& entry = plan_.entries[i];
    TextOfMessage message;
    put_subject(message, entry, "").put("ended by ").put(text_of(domains_[i].fate.reason));
    report(i, message.view(), policy_of(entry, entry.on_crash));
}

void Sequence::report(Index i, std::string_view message, Policy policy) {
    Line line;
    put_failed(line, plan_.entries[i], message, policy);
    outside_.record(line.view());
    apply(policy, message);
    // Last, because it may wait for the UART. If the machine is off before that, the record has it.
    outside_.print(message);
    if (policy == Policy::Halt) {
        outside_.print("every domain is ended");
    }
}

void Sequence::apply(Policy policy, std::string_view reason) {
    switch (policy) {
        case Policy::Ignore:
            return;
        case Policy::Halt:
            halt();
            return;
        case Policy::Recovery:
            recover(reason);
            return;
    }
}

void Sequence::recover(std::string_view reason) {
    if (is_recovering_) {
        return;
    }
    is_recovering_ = true;
    for (Index i = 0; i < plan_.entries.size(); ++i) {
        const Entry& entry = plan_.entries[i];
        if (domains_[i].stage == Stage::Held && entry.is_held != 0 && entry.is_recovery == 0) {
            give_up(i);
        }
    }
    for (Index i = 0; i < plan_.entries.size(); ++i) {
        if (plan_.entries[i].is_recovery != 0) {
            outside_.recover(hv::DomainId{plan_.entries[i].domid}, reason);
        }
    }
}

// Services go on until the machine is off.
void Sequence::halt() {
    has_halted_ = true;
    for (Index i = 0; i < plan_.entries.size(); ++i) {
        const Domain& d = domains_[i];
        if (plan_.entries[i].is_service == 0 && !d.has_ended && d.stage != Stage::GivenUp) {
            outside_.end(hv::DomainId{plan_.entries[i].domid});
        }
    }
}

// Once nobody is left who could fail, the recovery domain need not wait any longer.
void Sequence::release_recovery() {
    if (is_recovering_ || has_halted_) {
        return;
    }
    for (Index i = 0; i < plan_.entries.size(); ++i) {
        const Domain& d = domains_[i];
        const Entry& entry = plan_.entries[i];
        const bool is_over = d.stage == Stage::GivenUp || (d.has_ended && d.is_end_judged);
        if (entry.is_recovery == 0 && entry.is_service == 0 && !is_over) {
            return;
        }
    }
    for (Index i = 0; i < plan_.entries.size(); ++i) {
        if (plan_.entries[i].is_recovery != 0 && domains_[i].stage == Stage::Held) {
            give_up(i);
        }
    }
}

}  // namespace launcher
