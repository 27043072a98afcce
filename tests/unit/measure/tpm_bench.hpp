// SPDX-License-Identifier: Apache-2.0
// Bench: the driver and a TPM in memory, behind registers in memory.
#pragma once

#include "measure/tpm/tpm.hpp"
#include "tests/fake/fake_tis.hpp"
#include "tests/fake/fake_tpm.hpp"

#include <gtest/gtest.h>

namespace measure::test {

using Driver = Tpm<fake::FakeMmio, fake::FakeClock>;
constexpr hv::PcrIndex pcr12{12};
constexpr hv::PcrIndex pcr21{21};

struct Bench {
    explicit Bench(BankSet banks = all_banks) : tpm{banks}, tis{tpm.back_end()} {}
    Driver driver() { return Driver{fake::FakeMmio{&tis}, fake::FakeClock{&now}}; }

    uint64_t now = 0;
    fake::FakeTpm tpm;
    fake::FakeTis tis;
};

// The response of a TPM that does not carry out a command.
inline fake::Bytes refusal(uint32_t code) {
    fake::Bytes bytes(10);
    bytes[0] = std::byte{0x80};
    bytes[1] = std::byte{0x01};
    bytes[5] = std::byte{10};
    bytes[8] = static_cast<std::byte>(code >> 8);
    bytes[9] = static_cast<std::byte>(code & 0xff);
    return bytes;
}

constexpr uint64_t second = 1'000'000'000;

}  // namespace measure::test
