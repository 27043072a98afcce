// SPDX-License-Identifier: Apache-2.0
// The rules for PV devices that need more than one field. Called by check_manifest.
#pragma once

#include "launch-config/model/manifest.hpp"

namespace launch::model {

void check_devices(const Manifest& manifest, Diagnostics& diagnostics);

}  // namespace launch::model
