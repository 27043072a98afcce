// SPDX-License-Identifier: Apache-2.0
// Why talking to the TPM failed. hv and domB print it and end the measurement.
#pragma once

#include "hv/base/text.hpp"

#include <cstdint>

namespace measure {

inline constexpr uint32_t tpm_rc_locality = 0x907;  // TPM_RC_LOCALITY, [tpm2-p2] 6.6.3

struct TpmError {
    enum class Kind : uint8_t {
        Absent,        // nothing answers at the address: there is no TIS TPM
        NotTpm2,       // a TPM 1.2, or an interface other than TIS
        Banks,         // an active PCR bank that nobody here computes, or no active one
        NoLocality,    // the locality is not granted
        Timeout,       // the TPM does not come to the state it should
        Malformed,     // a response that no TPM would give
        ResponseCode,  // TPM_RC of a refused command, in `code`
    };
    Kind kind{};
    uint32_t code = 0;
};

// "timeout", "TPM_RC 0x101", ...
void put(hv::Text& out, const TpmError& error);

}  // namespace measure
