// SPDX-License-Identifier: Apache-2.0
// What the runtime needs of the outside: a place for text, and an end. platform_xen.cpp asks the
// hypervisor for both; platform_bare.cpp serves tests of the runtime on a machine without one.
#pragma once

#include "hv/abi/xen_sched.hpp"

#include <string_view>

namespace rt {

using hv::abi::ShutdownReason;

// Text to this domain's own console, or, where there is none, to the hypervisor's log.
void write(std::string_view text);

[[noreturn]] void shutdown(ShutdownReason reason);

}  // namespace rt
