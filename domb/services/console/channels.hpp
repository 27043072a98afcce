// SPDX-License-Identifier: Apache-2.0
// Channels: all that this domain serves, found in its own part of Xenstore. They share one client
// and take turns; nobody waits for Xenstore, and without it they are what they were.
#pragma once

#include "domb/services/console/channel.hpp"
#include "hv/base/static_vector.hpp"

#include <cstdint>

namespace console {

class Channels {
  public:
    static constexpr size_t capacity = 30;  // devices of one back end, as the manifest has it
    using List = hv::StaticVector<Channel, capacity>;

    constexpr Channels() = default;

    // Takes what Xenstore says. Replies to what others have asked are none of ours. False if it
    // stopped before all was read, so that one who sends without an end keeps the caller from
    // nothing: call it again before waiting.
    bool take_messages(xenstore_client::Client& client, Outside& outside);
    // Asks what is next; false if there is nothing, or the client is not ready.
    bool ask(xenstore_client::Client& client);

    List& all() { return list_; }
    // Channels that are beyond our capacity.
    [[nodiscard]] size_t left_out() const { return left_out_; }

  private:
    enum class Search : uint8_t { Domains, Numbers, Over };
    static constexpr size_t max_domains = 64;  // more than in a launch graph

    void take(const xenstore_client::Message& message, Outside& outside);
    void take_event(std::string_view token);
    void take_search(const xenstore_client::Message& reply);
    bool ask_channels(xenstore_client::Client& client);
    bool ask_search(xenstore_client::Client& client);

    Search search_ = Search::Domains;
    hv::StaticVector<hv::DomainId, max_domains> domains_{};  // whose channels are to be looked for
    List list_{};
    size_t left_out_ = 0;
    bool has_asked_ = false;  // a request of ours is under way
    size_t asker_ = 0;        // whose it is, once the search is over
    size_t turn_ = 0;         // who is asked first
};

}  // namespace console
