// SPDX-License-Identifier: Apache-2.0
// Connects domains with the services of the plan: a page of each domain that it shares with the
// service by a grant of its own, and an event channel. Done once, before any domain runs.
#pragma once

#include "hv/boot/machine.hpp"

namespace hv::hyperlaunch {

// The console's, and Xenstore's, where the plan has somebody with that role. Every domain of the
// plan exists.
void connect_services(boot::Machine& machine);

}  // namespace hv::hyperlaunch
