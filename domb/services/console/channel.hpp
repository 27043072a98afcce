// SPDX-License-Identifier: Apache-2.0
// Channel: the back end of one secondary console, as stock front ends expect it ([xen-pub]
// io/xenbus.h, io/console.h). It asks Xenstore one thing at a time, in turns with the others; what
// the front end says there is looked at again each time it changes, and none of it is believed.
#pragma once

#include "domb/services/console/line.hpp"
#include "domb/services/console/outside.hpp"
#include "domb/services/xenstore_client/client.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace console {

class Channel {
  public:
    constexpr Channel() = default;
    // `index` among all channels.
    constexpr Channel(hv::DomainId domain, uint8_t number, size_t index)
        : line_{domain, number}, index_{index} {}

    Line& line() { return line_; }

    // Sends its next request; false if it has none. Only when the client is ready.
    bool ask(xenstore_client::Client& client);
    // The reply to that.
    void take(const xenstore_client::Message& reply, Outside& outside);
    // The front end's state may have changed.
    void note_change() { is_due_ = true; }

  private:
    enum class Step : uint8_t { Watch, Idle, WriteState, ReadState, ReadRing, ReadPort, GivenUp };
    enum class State : uint32_t {  // [xen-pub] io/xenbus.h
        XenbusStateUnknown = 0,
        XenbusStateInitialising = 1,
        XenbusStateInitWait = 2,
        XenbusStateInitialised = 3,
        XenbusStateConnected = 4,
        XenbusStateClosing = 5,
        XenbusStateClosed = 6,
    };

    void judge(std::optional<uint32_t> front_state, Outside& outside);
    void connect(std::optional<uint32_t> port, Outside& outside);
    void disconnect(Outside& outside);

    Line line_{};
    size_t index_ = 0;
    Step step_ = Step::Watch;
    bool is_due_ = false;
    State state_ = State::XenbusStateInitialising;  // as Xenstore has it
    State wanted_ = State::XenbusStateInitWait;
    std::optional<uint32_t> ring_{};
    std::optional<Link> link_{};
};

}  // namespace console
