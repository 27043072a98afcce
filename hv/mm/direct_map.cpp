// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/direct_map.hpp"

namespace hv::mm {

constinit std::byte* direct_map_base = nullptr;

}  // namespace hv::mm
