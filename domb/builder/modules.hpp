// SPDX-License-Identifier: Apache-2.0
// Modules: private copies of the boot modules, each copied and hashed once however many domains
// share it. What is measured is the copy, and only the copy is placed.
#pragma once

#include "domb/builder/arena.hpp"
#include "hv/abi/launch_op.hpp"
#include "measure/tcg/digest.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace builder {

struct Module {
    std::span<const std::byte> contents;
    measure::DigestSet digests;  // in the banks asked for
};

class Modules {
  public:
    // `sources` are the modules as the loader delivered them.
    Modules(std::span<const std::span<const std::byte>> sources, Arena& arena,
            measure::BankSet banks)
        : sources_{sources}, arena_{arena}, banks_{banks} {}

    [[nodiscard]] bool exists(uint32_t index) const { return index < sources_.size(); }
    [[nodiscard]] measure::DigestSet digests_of_nothing() const {
        return measure::hash(banks_, std::span<const std::byte>{});
    }
    // Only for one that exists. The reference stays valid.
    hv::Result<const Module*, OutOfMemory> load(uint32_t index);

  private:
    std::span<const std::span<const std::byte>> sources_;
    Arena& arena_;
    measure::BankSet banks_;
    std::array<std::optional<Module>, hv::abi::launch_max_modules> loaded_{};
};

}  // namespace builder
