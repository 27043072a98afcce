// SPDX-License-Identifier: Apache-2.0
// Line: one console or channel of a domain between its ring and the host, and how much the host may
// still send: never more than the ring has room for. The host keeps what it was told while the
// domain's driver comes and goes.
#pragma once

#include "domb/services/console/in_ring.hpp"
#include "domb/services/console/out_ring.hpp"
#include "hv/base/address.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace console {

class Line {
  public:
    constexpr Line() = default;
    constexpr Line(hv::DomainId domain, uint8_t channel) : domain_{domain}, channel_{channel} {}

    [[nodiscard]] hv::DomainId domain() const { return domain_; }
    [[nodiscard]] uint8_t channel() const { return channel_; }

    // The ring is there until detach(), and events of it come by this port.
    void attach(hv::abi::XenconsInterface& page, uint32_t port);
    void detach();
    [[nodiscard]] bool is_attached() const { return out_.has_value(); }
    [[nodiscard]] uint32_t port() const { return port_; }
    // Only while attached. As of OutRing.
    [[nodiscard]] bool is_gone() const { return out_->is_gone(); }
    OutRing::Taken take(OutRing::Buffer& buffer) { return out_->take(buffer); }

    // What the host sent; how much of it was lost: it is not attached, or was told of less room.
    size_t put(std::string_view bytes);
    // What to tell the host now: so many bytes more than before. Mostly 0: half a ring or nothing.
    uint16_t take_room();

  private:
    hv::DomainId domain_{};
    uint8_t channel_ = 0;
    uint32_t port_ = 0;
    size_t told_ = 0;  // and not used yet
    std::optional<OutRing> out_{};
    std::optional<InRing> in_{};
};

}  // namespace console
