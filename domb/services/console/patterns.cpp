// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/patterns.hpp"

#include "hv/base/text.hpp"

#include <cstring>

namespace console {

bool Patterns::read(std::span<const std::byte> plan) {
    hv::abi::ConsolePatterns head{};
    if (plan.empty()) {
        return true;
    }
    if (plan.size() < sizeof(head)) {
        return false;
    }
    memcpy(&head, plan.data(), sizeof(head));
    if (head.count > capacity ||
        plan.size() != sizeof(head) + head.count * sizeof(hv::abi::ConsolePattern)) {
        return false;
    }
    for (uint32_t i = 0; i < head.count; ++i) {
        hv::abi::ConsolePattern pattern{};
        memcpy(&pattern, plan.data() + sizeof(head) + i * sizeof(pattern), sizeof(pattern));
        if (pattern.bytes == 0 || pattern.bytes > LinePattern::max_bytes) {
            return false;
        }
        ASSERT(list_
                   .push({.domain = hv::DomainId{pattern.domid},
                          .pattern = LinePattern{{pattern.text, pattern.bytes}}})
                   .ok());
    }
    return true;
}

void Patterns::see(hv::DomainId domain, std::string_view bytes) {
    for (Wanted& wanted : list_) {
        if (wanted.domain == domain && wanted.state == State::Wanted && wanted.pattern.see(bytes)) {
            wanted.state = State::Found;
        }
    }
}

void Patterns::see_gap(hv::DomainId domain) {
    for (Wanted& wanted : list_) {
        if (wanted.domain == domain) {
            wanted.pattern.see_gap();
        }
    }
}

bool Patterns::ask(xenstore_client::Client& client) {
    for (Wanted& wanted : list_) {
        if (wanted.state != State::Found) {
            continue;
        }
        hv::TextOf<30> path;
        if (!client.write(path.put("matched/").dec(wanted.domain.value()).view(), "1")) {
            return false;
        }
        // Whether Xenstore takes it is its own affair: nothing could be done about it here.
        wanted.state = State::Told;
        return true;
    }
    return false;
}

}  // namespace console
