// SPDX-License-Identifier: Apache-2.0
// Tpm: what hv and domB do with the TPM. Open it at the best locality, learn its banks, extend and
// reset PCRs, give it back idle. Not for quotes or keys.
#pragma once

#include "measure/tpm/commands.hpp"
#include "measure/tpm/tis.hpp"

namespace measure {

template <TisMmio Mmio, TisClock Clock>
class Tpm {
  public:
    Tpm(Mmio mmio, Clock clock) : tis_{mmio, clock}, clock_{clock} {}

    // Takes locality 2 when it works (PCR 21 can be extended and reset only there), else 0, and
    // asks for the active banks. No bank that we know is an error.
    hv::Result<void, TpmError> open();
    // The same for a launch: locality 2 works only if `mirror` can be reset there, which is done.
    hv::Result<void, TpmError> open_and_reset(hv::PcrIndex mirror);
    // The same at a locality that is known to work (domB: what hv found).
    hv::Result<void, TpmError> open_at(uint32_t locality);

    [[nodiscard]] BankSet banks() const { return banks_; }
    [[nodiscard]] uint32_t locality() const { return tis_.locality(); }

    // Extends all banks in one command; `digests` has every active bank.
    hv::Result<void, TpmError> extend(hv::PcrIndex pcr, const DigestSet& digests);
    hv::Result<void, TpmError> reset(hv::PcrIndex pcr);
    // The value of a PCR in every active bank.
    hv::Result<DigestSet, TpmError> read(hv::PcrIndex pcr);
    void relinquish() { tis_.relinquish(); }

  private:
    // Sends it again as long as the TPM asks for that.
    hv::Result<std::span<const std::byte>, TpmError> call(std::span<const std::byte> command);

    Tis<Mmio, Clock> tis_;
    Clock clock_;
    BankSet banks_;
    TpmBuffer command_{};
    TpmBuffer response_{};
};

template <TisMmio Mmio, TisClock Clock>
hv::Result<std::span<const std::byte>, TpmError> Tpm<Mmio, Clock>::call(
    std::span<const std::byte> command) {
    const uint64_t start = clock_.now_ns();
    while (true) {
        auto response = tis_.transmit(command, response_);
        if (!response.ok() || !asks_again(response.value()) ||
            clock_.now_ns() - start > tis_command_limit_ns) {
            return response;
        }
    }
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<void, TpmError> Tpm<Mmio, Clock>::open() {
    TRY(tis_.probe());
    // Firmware may have left locality 0 active; no other one is granted until it is given up.
    tis_.relinquish();
    const auto best = open_at(2);
    if (best.ok() || best.error().kind != TpmError::Kind::NoLocality) {
        return best;
    }
    tis_.relinquish();  // takes the request back
    return open_at(0);
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<void, TpmError> Tpm<Mmio, Clock>::open_and_reset(hv::PcrIndex mirror) {
    TRY(open());
    if (locality() != 2) {
        return hv::Ok{};
    }
    const auto done = reset(mirror);
    // The registers grant locality 2, the TPM does not know of it. Any other refusal is an error:
    // going on without mirrors would hide it.
    const bool is_of_locality = !done.ok() && done.error().kind == TpmError::Kind::ResponseCode &&
                                done.error().code == tpm_rc_locality;
    return is_of_locality ? open_at(0) : done;
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<void, TpmError> Tpm<Mmio, Clock>::open_at(uint32_t locality) {
    TRY(tis_.request(locality));
    const auto response = TRY(call(encode_get_pcr_banks(command_)));
    const PcrBanks found = TRY(decode_get_pcr_banks(response));
    // An active bank that nobody extends could be extended by a guest to any value.
    if (found.known.empty() || found.has_unknown) {
        return hv::Err{TpmError{TpmError::Kind::Banks}};
    }
    banks_ = found.known;
    return hv::Ok{};
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<void, TpmError> Tpm<Mmio, Clock>::extend(hv::PcrIndex pcr, const DigestSet& digests) {
    ASSERT(digests.banks() == banks_);
    const auto response = TRY(call(encode_pcr_extend(command_, pcr, digests)));
    return decode_empty(response);
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<void, TpmError> Tpm<Mmio, Clock>::reset(hv::PcrIndex pcr) {
    const auto response = TRY(call(encode_pcr_reset(command_, pcr)));
    return decode_empty(response);
}

template <TisMmio Mmio, TisClock Clock>
hv::Result<DigestSet, TpmError> Tpm<Mmio, Clock>::read(hv::PcrIndex pcr) {
    DigestSet values;
    for (const Algorithm a : all_algorithms) {
        if (banks_.has(a)) {
            const auto response = TRY(call(encode_pcr_read(command_, a, pcr)));
            TRY(decode_pcr_read(response, a, pcr, values));
        }
    }
    return values;
}

}  // namespace measure
