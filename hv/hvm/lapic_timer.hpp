// SPDX-License-Identifier: Apache-2.0
// The timer of a local APIC as arithmetic on nanoseconds: one tick of the undivided counter is one
// nanosecond (bus frequency 1 GHz). Owned by LocalApic; it neither reads a clock nor interrupts.
#pragma once

#include <cstdint>
#include <optional>

namespace hv::hvm {

class LapicTimer {
  public:
    static constexpr uint64_t bus_frequency_hz = 1'000'000'000;
    // A guest may not ask for more periodic interrupts than this: each costs the machine an
    // interrupt even while another domain runs.
    static constexpr uint64_t min_period_ns = 200'000;

    // The initial count register: 0 stops the timer, any other value starts it from there.
    void start(uint32_t initial_count, uint64_t now_ns);
    // The divide configuration register, bits 3, 1 and 0; a running timer keeps its count.
    void set_divide(uint32_t configuration, uint64_t now_ns);
    void set_periodic(bool periodic) { periodic_ = periodic; }

    // True if the counter has reached zero since the last call; a periodic timer is started again,
    // periods missed altogether count once.
    bool expired(uint64_t now_ns);

    [[nodiscard]] std::optional<uint64_t> deadline_ns() const { return deadline_ns_; }
    [[nodiscard]] uint32_t initial_count() const { return initial_count_; }
    [[nodiscard]] uint32_t current_count(uint64_t now_ns) const;
    [[nodiscard]] uint32_t divide_configuration() const { return divide_configuration_; }

  private:
    [[nodiscard]] unsigned divide_shift() const;
    [[nodiscard]] uint64_t period_ns() const;

    std::optional<uint64_t> deadline_ns_;
    uint32_t initial_count_ = 0;
    uint32_t divide_configuration_ = 0;
    bool periodic_ = false;
};

}  // namespace hv::hvm
