// SPDX-License-Identifier: Apache-2.0
// The compressions that a Linux payload may have, recognised by their first bytes. The only place
// that uses compression libraries.
#pragma once

#include "hv/base/result.hpp"
#include "launch-config/model/kernel_image.hpp"

#include <cstddef>
#include <span>

namespace launch::model {

// More than this is refused: no kernel is so large, but a damaged or hostile file may claim it.
inline constexpr size_t max_unpacked_bytes = size_t{512} << 20;

hv::Result<UnpackedKernel, ImageError> unpack(std::span<const std::byte> packed);

}  // namespace launch::model
