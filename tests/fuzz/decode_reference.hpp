// SPDX-License-Identifier: Apache-2.0
// The instruction decoder against Capstone, a disassembler that shares no code with it. Used by the
// exhaustive table test and the fuzz target.
#pragma once

#include "hv/hvm/decode.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <capstone/capstone.h>

namespace decode_reference {

class Reference {
  public:
    Reference();
    ~Reference();
    Reference(const Reference&) = delete;
    Reference& operator=(const Reference&) = delete;

    // What is wrong, if the two disagree about an instruction and no known difference explains it.
    // Only Capstone's refusals are never a disagreement: ours does not judge validity.
    std::optional<std::string> disagreement(std::span<const std::byte> bytes,
                                            hv::hvm::CodeMode mode);
    // How often both gave the same length.
    [[nodiscard]] uint64_t agreements() const { return agreements_; }

  private:
    struct Disassembler {
        csh handle = 0;
        cs_insn* instruction = nullptr;
    };
    Disassembler disassemblers_[3];
    uint64_t agreements_ = 0;
};

}  // namespace decode_reference
