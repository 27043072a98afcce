// SPDX-License-Identifier: Apache-2.0
// Event channels of a small domain: it waits for them by SCHEDOP_poll, without interrupts.
#pragma once

#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_shared_info.hpp"
#include "hv/base/address.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace rt {

class EventChannels {
  public:
    // Maps the shared info page and masks every port: polling looks at pending bits only. Ends the
    // domain if the hypervisor refuses.
    static EventChannels start();

    // The port of a global virtual interrupt. Ends the domain if the hypervisor refuses.
    uint32_t bind_virq(hv::abi::Virq virq);

    // A port connected to one that the other domain offers to this one; none if it offers none.
    std::optional<uint32_t> bind_interdomain(hv::DomainId domain, uint32_t remote_port);
    void close(uint32_t port);

    // Forgets that an event is pending; true if one was. Call before looking at what it announces:
    // an event that comes while looking is then seen by the next wait.
    bool clear(uint32_t port);
    // Returns when an event is pending on one of the ports, or at `deadline_ns` of now_ns(), if
    // that is not 0.
    void wait(std::span<const uint32_t> ports, uint64_t deadline_ns = 0);
    // System time: starts near 0, runs on while the domain does not.
    [[nodiscard]] uint64_t now_ns() const;
    // Tells the other end.
    void notify(uint32_t port);

  private:
    explicit EventChannels(hv::abi::SharedInfo& shared) : shared_{shared} {}
    hv::abi::SharedInfo& shared_;
};

}  // namespace rt
