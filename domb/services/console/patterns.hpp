// SPDX-License-Identifier: Apache-2.0
// Patterns: what the plan wants to be looked for in domains' lines. For one that came, "1" is
// written to matched/<domid> in Xenstore, where the launcher reads it. Nobody waits for Xenstore,
// and what it replies is of no use here.
#pragma once

#include "domb/services/console/line_pattern.hpp"
#include "domb/services/xenstore_client/client.hpp"
#include "hv/abi/service_plan.hpp"
#include "hv/base/address.hpp"
#include "hv/base/static_vector.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace console {

class Patterns {
  public:
    static constexpr size_t capacity = 64;  // more than domains in a launch graph

    constexpr Patterns() = default;
    // A hv::abi::ConsolePatterns and what follows it, or nothing. False if it is neither.
    [[nodiscard]] bool read(std::span<const std::byte> plan);

    // What the domain has printed.
    void see(hv::DomainId domain, std::string_view bytes);
    void see_gap(hv::DomainId domain);

    // Sends the next request; false if there is none, or the client is not ready.
    bool ask(xenstore_client::Client& client);

  private:
    enum class State : uint8_t { Wanted, Found, Told };
    struct Wanted {
        hv::DomainId domain{};
        LinePattern pattern{};
        State state = State::Wanted;
    };
    hv::StaticVector<Wanted, capacity> list_{};
};

}  // namespace console
