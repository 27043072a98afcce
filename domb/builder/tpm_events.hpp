// SPDX-License-Identifier: Apache-2.0
// The real Events: the TPM whose registers the hypervisor lends to domB, and the log it started.
#pragma once

#include "domb/builder/measurement.hpp"
#include "domb/rt/clock.hpp"
#include "measure/tpm/tpm.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace builder {

// TPM registers at a fixed, mapped address.
class TisRegisters {
  public:
    explicit TisRegisters(std::span<std::byte> registers) : registers_{registers} {}

    uint8_t read8(uint32_t offset) { return *at<uint8_t>(offset); }
    uint32_t read32(uint32_t offset) { return *at<uint32_t>(offset); }
    void write8(uint32_t offset, uint8_t value) { *at<uint8_t>(offset) = value; }
    void write32(uint32_t offset, uint32_t value) { *at<uint32_t>(offset) = value; }

  private:
    template <class T>
    volatile T* at(uint32_t offset) {
        ASSERT(offset + sizeof(T) <= registers_.size());
        // SAFETY: device registers of this width; volatile keeps every access.
        return reinterpret_cast<volatile T*>(registers_.data() + offset);
    }
    std::span<std::byte> registers_;
};

class TpmEvents final : public Events {
  public:
    TpmEvents(std::span<std::byte> registers, std::span<std::byte> log, size_t log_used)
        : tpm_{TisRegisters{registers}, rt::TscClock{}},
          log_{log, log_used},
          measured_log_{log_, tpm_} {}

    // Takes the TPM at the locality that hv found to work.
    hv::Result<void, measure::TpmError> open(uint32_t locality) { return tpm_.open_at(locality); }
    [[nodiscard]] measure::BankSet banks() const { return tpm_.banks(); }

    hv::Result<void, measure::MeasureError> record(const measure::Event& event) override {
        return measured_log_.record(event);
    }
    [[nodiscard]] size_t log_used() const override { return log_.used(); }
    void finish() override { tpm_.relinquish(); }

  private:
    using Tpm = measure::Tpm<TisRegisters, rt::TscClock>;
    Tpm tpm_;
    measure::LogWriter log_;
    measure::MeasuredLog<TisRegisters, rt::TscClock> measured_log_;
};

}  // namespace builder
