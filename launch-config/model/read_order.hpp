// SPDX-License-Identifier: Apache-2.0
// The part of read_manifest about start order: "after", "ready", "on-failure", "on-crash",
// "start-unmeasured".
#pragma once

#include "launch-config/model/manifest.hpp"
#include "launch-config/model/object_reader.hpp"

namespace launch::model {

void read_order(ObjectReader& domain, DomainSpec& out);

}  // namespace launch::model
