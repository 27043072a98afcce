// SPDX-License-Identifier: Apache-2.0
// The few TPM 2.0 commands hv and domB send, as bytes: encoders and bounded parsers of the
// responses, [tpm2-p3]. No transport and no state.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "measure/tcg/digest.hpp"
#include "measure/tpm/tpm_error.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace measure {

// Larger than any command or response here.
using TpmBuffer = std::array<std::byte, 1024>;

// Each writes a command into `out` and returns the part used.
std::span<const std::byte> encode_get_pcr_banks(TpmBuffer& out);
std::span<const std::byte> encode_pcr_extend(TpmBuffer& out, hv::PcrIndex pcr,
                                             const DigestSet& digests);
std::span<const std::byte> encode_pcr_reset(TpmBuffer& out, hv::PcrIndex pcr);
std::span<const std::byte> encode_pcr_read(TpmBuffer& out, Algorithm bank, hv::PcrIndex pcr);

// The TPM has not carried out the command and wants it once more: it tests itself, or is busy.
bool asks_again(std::span<const std::byte> response);

// Active banks we know and, beside them, whether the TPM has others: those would stay unextended.
struct PcrBanks {
    BankSet known;
    bool has_unknown = false;
};
hv::Result<PcrBanks, TpmError> decode_get_pcr_banks(std::span<const std::byte> response);
// Success without values (PCR_Extend, PCR_Reset).
hv::Result<void, TpmError> decode_empty(std::span<const std::byte> response);
// The digest is added to `out`.
hv::Result<void, TpmError> decode_pcr_read(std::span<const std::byte> response, Algorithm bank,
                                           hv::PcrIndex pcr, DigestSet& out);

}  // namespace measure
