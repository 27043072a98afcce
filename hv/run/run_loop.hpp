// SPDX-License-Identifier: Apache-2.0
// The run loop of every CPU: pick a vCPU, let it run until it blocks or its turn is over, look
// after timers and ended domains, halt when there is nothing to do.
#pragma once

#include "hv/base/address.hpp"

namespace hv::run {

// Never returns.
void loop(CpuId cpu);

}  // namespace hv::run
