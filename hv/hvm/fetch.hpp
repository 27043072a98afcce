// SPDX-License-Identifier: Apache-2.0
// The bytes of the instruction a vCPU stopped at: the emulated machine delivers none.
#pragma once

#include "hv/domain/vcpu.hpp"
#include "hv/hvm/decode.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace hv::hvm {

// How the vCPU's code segment has its instructions decoded.
CodeMode code_mode(const domain::Vcpu& vcpu);

// Fills `to` with the bytes at CS:RIP; false if they are not all mapped.
[[nodiscard]] bool fetch(const domain::Vcpu& vcpu, std::span<std::byte> to);

class Fetched {
  public:
    // Reads as many bytes at CS:RIP as are mapped, at most 15.
    explicit Fetched(const domain::Vcpu& vcpu);
    [[nodiscard]] std::span<const std::byte> bytes() const { return {bytes_.data(), size_}; }
    [[nodiscard]] CodeMode mode() const { return mode_; }

  private:
    std::array<std::byte, max_instruction_bytes> bytes_{};
    size_t size_ = 0;
    CodeMode mode_;
};

}  // namespace hv::hvm
