// SPDX-License-Identifier: Apache-2.0
// explain: the differences between one reference event and its counterpart in the log, in the words
// of the manifest. Used by verify only.
#pragma once

#include "measure/replay/align.hpp"
#include "measure/replay/verify.hpp"

#include <vector>

namespace measure {

// Empty when the two agree in every bank of the log, in type and in data.
std::vector<Difference> explain(const Pair& pair);

// "sha256 4f1c…": the digest people compare, of the strongest kind they know by sight.
std::string describe(const DigestSet& digests);

}  // namespace measure
