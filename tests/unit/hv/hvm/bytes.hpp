// SPDX-License-Identifier: Apache-2.0
// Instruction bytes written as in the manuals, and the modes they are read in, for tests.
#pragma once

#include "hv/hvm/decode.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace hv::hvm {

inline constexpr auto C16 = CodeMode::Code16;
inline constexpr auto C32 = CodeMode::Code32;
inline constexpr auto C64 = CodeMode::Code64;

class Bytes {
  public:
    Bytes(std::initializer_list<unsigned> values) {
        for (const unsigned value : values) {
            bytes_.push_back(static_cast<std::byte>(value));
        }
    }
    operator std::span<const std::byte>() const { return bytes_; }
    [[nodiscard]] size_t size() const { return bytes_.size(); }

  private:
    std::vector<std::byte> bytes_;
};

}  // namespace hv::hvm
