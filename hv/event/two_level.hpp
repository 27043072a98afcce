// SPDX-License-Identifier: Apache-2.0
// The 2-level event ABI: a bit for each port and a bit for each word of those, all in shared_info
// and vcpu_info. [xen-pub] xen.h, struct shared_info. Used by pending.cpp.
#pragma once

#include "hv/abi/xen_shared_info.hpp"
#include "hv/event/event_abi.hpp"

namespace hv::event {

class TwoLevel {
  public:
    explicit TwoLevel(abi::SharedInfo& info) : info_{info} {}

    Raised raise(EvtchnPort port, const domain::Vcpu& notify);
    void clear(EvtchnPort port);
    Raised unmask(EvtchnPort port, const domain::Vcpu& notify);
    [[nodiscard]] bool is_pending(EvtchnPort port) const;

  private:
    abi::SharedInfo& info_;
};
static_assert(EventAbi<TwoLevel>);

}  // namespace hv::event
