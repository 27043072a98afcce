// SPDX-License-Identifier: Apache-2.0
#include "domb/services/launcher/sequence.hpp"

#include "domb/services/launcher/texts.hpp"

#include <algorithm>

namespace launcher {

using hv::abi::LaunchFate;
using hv::abi::LaunchState;
using launch::ReadyWhen;

void Sequence::step(uint64_t now_ns) {
    now_ns_ = now_ns;
    if (!has_begun_) {
        begin();
    }
    // What one domain comes to may decide about another.
    has_changed_ = !has_halted_;
    while (has_changed_) {
        has_changed_ = false;
        for (Index i = 0; i < plan_.entries.size() && !has_halted_; ++i) {
            look_at(i);
            decide(i);
        }
    }
    release_recovery();
}

void Sequence::begin() {
    has_begun_ = true;
    for (const Entry& entry : plan_.entries) {
        if (entry.after != 0) {
            Line line;
            put_waiting(line, plan_, entry);
            outside_.record(line.view());
        }
    }
}

void Sequence::look_at(Index i) {
    Domain& d = domains_[i];
    if (d.stage == Stage::GivenUp) {
        return;
    }
    if (!d.has_ended) {
        take_fate(i);
    }
    if (d.stage == Stage::Starting) {
        judge_start(i);
    }
    if (d.has_ended && !d.is_end_judged && d.stage != Stage::Starting) {
        judge_end(i);
    }
}

void Sequence::take_fate(Index i) {
    Domain& d = domains_[i];
    const LaunchFate fate = outside_.fate_of(hv::DomainId{plan_.entries[i].domid});
    switch (fate.state) {
        case LaunchState::Held:
            return;
        case LaunchState::Running:
            has_started(i);
            return;
        case LaunchState::Refused:
        case LaunchState::Ended:
            break;
    }
    d.has_ended = true;
    d.ended_ns = now_ns_;
    d.fate = fate;
    if (fate.state == LaunchState::Refused) {
        TextOfMessage why;
        why.put("refused: ").put(text_of(fate.reason));
        d.is_end_judged = true;
        fail(i, "", why.view());
    } else {
        has_started(i);
    }
}

void Sequence::has_started(Index i) {
    Domain& d = domains_[i];
    if (d.stage == Stage::Held) {
        d.stage = Stage::Starting;
        d.started_ns = now_ns_;
    }
}

void Sequence::judge_start(Index i) {
    Domain& d = domains_[i];
    const Entry& entry = plan_.entries[i];
    if (ready_when(entry) == ReadyWhen::Started || nodes_.are_met(i)) {
        become_ready(i);
        return;
    }
    if (now_ns_ < due_ns(d, entry)) {
        return;
    }
    TextOfMessage why;
    if (d.has_ended) {
        why.put("ended by ").put(text_of(d.fate.reason)).put(" before it was ready: ");
        d.is_end_judged = true;
    } else {
        put_duration(why.put("not ready within "), entry.timeout_ms).put(": ");
    }
    put_why_not_ready(why, i);
    fail(i, "/ready", why.view());
}

uint64_t Sequence::due_ns(const Domain& domain, const Entry& entry) const {
    constexpr uint64_t ns_per_ms = 1'000'000;
    const uint64_t due = domain.started_ns + entry.timeout_ms * ns_per_ms;
    return domain.has_ended ? std::min(due, domain.ended_ns + last_news_ns) : due;
}

void Sequence::put_why_not_ready(hv::Text& out, Index i) const {
    if (plan_.xenstore == hv::DomainId{}) {
        out.put("there is no Xenstore");
        return;
    }
    const Entry* const xenstore = plan_.find(plan_.xenstore);
    if (xenstore != nullptr &&
        domains_[static_cast<size_t>(xenstore - plan_.entries.data())].has_ended) {
        out.put("Xenstore has ended, and last ");
    }
    nodes_.put_lack(out, i);
}

void Sequence::judge_end(Index i) {
    Domain& d = domains_[i];
    d.is_end_judged = true;
    if (d.fate.as_expected == 0) {
        crash(i);
    }
}

void Sequence::become_ready(Index i) {
    domains_[i].stage = Stage::Ready;
    has_changed_ = true;
    const Entry& entry = plan_.entries[i];
    const bool is_waited_for =
        std::any_of(plan_.entries.data(), plan_.entries.data() + plan_.entries.size(),
                    [i](const Entry& other) { return (other.after >> i & 1) != 0; });
    if (is_waited_for || ready_when(entry) != ReadyWhen::Started) {
        Line line;
        put_ready(line, entry);
        outside_.record(line.view());
    }
}

// Of one that is held: does it start, does it never, or does it still wait?
void Sequence::decide(Index i) {
    Domain& d = domains_[i];
    const Entry& entry = plan_.entries[i];
    if (d.stage != Stage::Held || entry.is_held == 0 || entry.is_recovery != 0) {
        return;
    }
    bool are_ready = true;
    for (Index other = 0; other < plan_.entries.size(); ++other) {
        if ((entry.after >> other & 1) == 0) {
            continue;
        }
        const Stage stage = domains_[other].stage;
        if (stage == Stage::Failed || stage == Stage::GivenUp) {
            give_up(i);
            return;
        }
        are_ready = are_ready && stage == Stage::Ready;
    }
    if (!are_ready) {
        return;
    }
    const auto started = outside_.start(hv::DomainId{entry.domid});
    if (started.ok()) {
        has_started(i);
        has_changed_ = true;
    } else {
        TextOfMessage why;
        why.put("cannot be started: error ").dec(static_cast<uint64_t>(-started.error().status));
        fail(i, "", why.view());
    }
}

void Sequence::give_up(Index i) {
    domains_[i].stage = Stage::GivenUp;
    has_changed_ = true;
    outside_.end(hv::DomainId{plan_.entries[i].domid});
}

bool Sequence::is_awaited(Index domain) const {
    return domains_[domain].stage == Stage::Starting && !has_halted_;
}

uint64_t Sequence::deadline_ns() const {
    // hv starts domains one after the other, and the launcher may be among the first.
    constexpr uint64_t soon_ns = 10'000'000;
    uint64_t first = ~uint64_t{0};
    for (Index i = 0; i < plan_.entries.size(); ++i) {
        const Entry& entry = plan_.entries[i];
        if (is_awaited(i)) {
            first = std::min(first, due_ns(domains_[i], entry));
        } else if (domains_[i].stage == Stage::Held && entry.is_held == 0) {
            first = std::min(first, now_ns_ + soon_ns);
        }
    }
    return first == ~uint64_t{0} || has_halted_ ? 0 : first;
}

}  // namespace launcher
