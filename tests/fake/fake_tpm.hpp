// SPDX-License-Identifier: Apache-2.0
// FakeTpm: a TPM 2.0 that has PCRs with the locality rules of a PC Client TPM and knows only the
// commands for them. A back end for FakeTis.
#pragma once

#include "hv/base/reader.hpp"
#include "measure/tcg/digest.hpp"
#include "tests/fake/fake_tis.hpp"

#include <array>
#include <cstdint>

namespace fake {

class FakeTpm {
  public:
    explicit FakeTpm(measure::BankSet banks);

    Bytes execute(uint32_t locality, std::span<const std::byte> command);
    [[nodiscard]] TpmBackEnd back_end() {
        return [this](uint32_t locality, std::span<const std::byte> command) {
            return execute(locality, command);
        };
    }

    [[nodiscard]] const measure::DigestSet& pcr(uint32_t index) const { return pcrs_[index]; }
    bool has_sm3 = false;          // an active bank that nobody here knows
    bool knows_locality_2 = true;  // else its commands fail there, whatever the registers grant
    uint32_t busy_code = 0;        // response code of the next `busy_times` commands
    uint32_t busy_times = 0;
    uint32_t fail_extends_after = ~0U;  // TPM_RC_FAILURE from the n-th on

  private:
    Bytes get_pcr_banks() const;
    Bytes extend(uint32_t locality, hv::Reader in);
    Bytes reset(uint32_t locality, hv::Reader in);
    Bytes read(hv::Reader in) const;

    measure::BankSet banks_;
    std::array<measure::DigestSet, 24> pcrs_;
    uint32_t extends_ = 0;
};

}  // namespace fake
