// SPDX-License-Identifier: Apache-2.0
// MeasuredLog: the sink of hv and domB for LaunchRecorder: every event goes to the log and into the
// TPM, or neither is continued. Not used on the host.
#pragma once

#include "measure/tcg/launch_events.hpp"
#include "measure/tpm/tpm.hpp"

#include <optional>

namespace measure {

// Empty `tpm`: the log was too small (a sizing mistake); else what the TPM said.
struct MeasureError {
    std::optional<TpmError> tpm;
};

template <TisMmio Mmio, TisClock Clock>
class MeasuredLog {
  public:
    using Error = MeasureError;

    MeasuredLog(LogWriter& log, Tpm<Mmio, Clock>& tpm) : log_{log}, tpm_{tpm} {}

    // The log first: an event without its extend fails verification, an extend without its event
    // could not be explained.
    hv::Result<void, MeasureError> record(const Event& event) {
        if (!log_.append(event).ok()) {
            return hv::Err{MeasureError{}};
        }
        if (const auto extended = tpm_.extend(event.pcr, event.digests); !extended.ok()) {
            return hv::Err{MeasureError{extended.error()}};
        }
        return hv::Ok{};
    }

  private:
    LogWriter& log_;
    Tpm<Mmio, Clock>& tpm_;
};

}  // namespace measure
