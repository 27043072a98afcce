// SPDX-License-Identifier: Apache-2.0
// The launcher's hypercalls: what it hears of domains and what it does to them. Freestanding only.
#pragma once

#include "domb/services/launcher/outside.hpp"

namespace launcher {

// -ESRCH and the like come out as a domain that is refused, for that reason.
hv::abi::LaunchFate fate_of(hv::DomainId domain);
hv::Result<void, StartError> start(hv::DomainId domain);
void end(hv::DomainId domain);
// 0 or -errno.
int64_t recover(std::string_view reason);
void record(std::string_view line);

}  // namespace launcher
