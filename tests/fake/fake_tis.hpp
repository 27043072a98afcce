// SPDX-License-Identifier: Apache-2.0
// FakeTis: the FIFO registers of a TPM ([tcg-ptp] 6) in front of anything that answers commands: a
// FakeTpm, or a real swtpm. It checks the driver too: what a real TPM would ignore is counted in
// `misuses`. Faults are switched on by its members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace fake {

using Bytes = std::vector<std::byte>;
// Answers one command that arrived at a locality.
using TpmBackEnd = std::function<Bytes(uint32_t locality, std::span<const std::byte> command)>;

class FakeTis {
  public:
    explicit FakeTis(TpmBackEnd back_end) : back_end_{std::move(back_end)} {}

    // Faults and properties.
    bool is_absent = false;                       // all ones
    uint32_t interface_id = 0;                    // 0 FIFO, 1 CRB
    std::set<uint32_t> denied_localities{4};      // never granted
    uint32_t burst = 7;                           // bytes at a time
    int commands_until_hang = -1;                 // afterwards it never answers; -1: always does
    std::function<void(Bytes&)> damage_response;  // nonsense
    bool keeps_expecting = false;                 // Expect stays set after the last byte
    unsigned looks_until_valid = 0;  // after a byte or tpmGo: no stsValid, the rest set

    uint8_t read8(uint32_t offset);
    uint32_t read32(uint32_t offset);
    void write8(uint32_t offset, uint8_t value);
    void write32(uint32_t offset, uint32_t value);

    [[nodiscard]] bool is_idle() const { return active_ == none && state_ == State::Idle; }
    [[nodiscard]] int misuses() const { return misuses_; }
    [[nodiscard]] int commands() const { return commands_; }

  private:
    enum class State { Idle, Ready, Reception, Execution, Completion };
    static constexpr uint32_t none = 0xff;

    [[nodiscard]] uint32_t status() const;
    uint32_t look_at_status();
    [[nodiscard]] bool expects_more() const;
    void command_ready();
    void go();

    TpmBackEnd back_end_;
    uint32_t active_ = none;
    State state_ = State::Idle;
    Bytes command_;
    Bytes response_;
    size_t read_ = 0;
    unsigned invalid_looks_ = 0;
    int misuses_ = 0;
    int commands_ = 0;
};

// What the driver is given: copies refer to the same registers.
struct FakeMmio {
    FakeTis* tis;
    uint8_t read8(uint32_t offset) { return tis->read8(offset); }
    uint32_t read32(uint32_t offset) { return tis->read32(offset); }
    void write8(uint32_t offset, uint8_t value) { tis->write8(offset, value); }
    void write32(uint32_t offset, uint32_t value) { tis->write32(offset, value); }
};

// Every look at it takes a millisecond.
struct FakeClock {
    uint64_t* now;
    uint64_t now_ns() { return *now += 1'000'000; }
};

}  // namespace fake
