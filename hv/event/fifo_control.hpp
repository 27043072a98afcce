// SPDX-License-Identifier: Apache-2.0
// How a domain changes to the FIFO event ABI and gives it memory: EVTCHNOP_init_control,
// expand_array, set_priority. [xen-pub] event_channel.h. Pages of the guest's are pinned until
// EVTCHNOP_reset or the domain's end, because other CPUs write them at any time.
//
// The array may have all the pages that the ABI knows, 131,072 words. The ports that a domain can
// bind are fewer: as many as its table has (hv/launch/create.cpp), whatever the ABI.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/event/event_channels.hpp"

#include <cstdint>

namespace hv::event {

// Gives the vCPU, which need not be up, its control block. The first one of a domain changes the
// ABI: what is pending then is raised again as soon as there is a word for it.
Result<void, Error> init_control(domain::Vcpu& vcpu, Gfn gfn, uint32_t offset);
// The next page of event words.
Result<void, Error> expand_array(domain::Domain& domain, Gfn gfn);
// For the events to come: one that is on a queue stays there.
Result<void, Error> set_priority(domain::Domain& domain, EvtchnPort port, uint32_t priority);

// Back to 2-level; the pages are the guest's alone again. At EVTCHNOP_reset, and at teardown before
// the domain's frames are given away; either after close_all.
void leave_fifo(domain::Domain& domain);

}  // namespace hv::event
