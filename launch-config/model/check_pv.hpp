// SPDX-License-Identifier: Apache-2.0
// What holds for PV domains only. Called by check_manifest.
#pragma once

#include "launch-config/model/manifest.hpp"

namespace launch::model {

void check_pv(const DomainSpec& domain, Diagnostics& diagnostics);

}  // namespace launch::model
