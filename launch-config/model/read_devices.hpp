// SPDX-License-Identifier: Apache-2.0
// The fields "disks", "nets" and "channels" of a domain, each by itself. Called by read_manifest.
#pragma once

#include "launch-config/model/manifest.hpp"
#include "launch-config/model/object_reader.hpp"

namespace launch::model {

void read_devices(ObjectReader& domain, DomainSpec& out);

}  // namespace launch::model
