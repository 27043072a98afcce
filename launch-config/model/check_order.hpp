// SPDX-License-Identifier: Apache-2.0
// Rules between fields about start order, failures and recovery: whether the launcher could carry
// them out.
#pragma once

#include "launch-config/model/manifest.hpp"

namespace launch::model {

void check_order(const Manifest& manifest, Diagnostics& diagnostics);

}  // namespace launch::model
