// SPDX-License-Identifier: Apache-2.0
// What holds for PV domains only. Called by check_manifest.
#pragma once

#include "launch-config/model/manifest.hpp"

namespace launch::model {

// The whole of what keeps PV domains out: with `false`, a manifest may describe them. hv cannot run
// them yet.
inline constexpr bool pv_is_refused = true;

void check_pv(const DomainSpec& domain, Diagnostics& diagnostics, bool refuse = pv_is_refused);

}  // namespace launch::model
