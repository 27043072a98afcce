// SPDX-License-Identifier: Apache-2.0
#include "measure/tpm/tpm_error.hpp"

namespace measure {

void put(hv::Text& out, const TpmError& error) {
    switch (error.kind) {
        case TpmError::Kind::Absent:
            out.put("no TPM answers");
            break;
        case TpmError::Kind::NotTpm2:
            out.put("not a TPM 2.0 with a FIFO interface");
            break;
        case TpmError::Kind::Banks:
            out.put("a PCR bank other than SHA-1 and SHA-2 is active, or none: allocate others");
            break;
        case TpmError::Kind::NoLocality:
            out.put("the locality is not granted");
            break;
        case TpmError::Kind::Timeout:
            out.put("the TPM does not answer in time");
            break;
        case TpmError::Kind::Malformed:
            out.put("the TPM's response makes no sense");
            break;
        case TpmError::Kind::ResponseCode:
            out.put("the TPM refuses: TPM_RC 0x").hex(error.code);
            break;
    }
}

}  // namespace measure
