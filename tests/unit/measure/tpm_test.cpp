// SPDX-License-Identifier: Apache-2.0
// The driver with a TPM that works, whatever firmware and loader have left.
#include "tests/unit/measure/tpm_bench.hpp"

namespace measure::test {
namespace {

TEST(Tpm, opens_at_locality_2_and_learns_the_active_banks) {
    BankSet banks;
    banks.add(Algorithm::Sha256);
    banks.add(Algorithm::Sha384);
    Bench bench{banks};
    Driver driver = bench.driver();
    ASSERT_TRUE(driver.open().ok());
    EXPECT_EQ(driver.locality(), 2U);
    EXPECT_EQ(driver.banks(), banks);
}

TEST(Tpm, extends_every_bank_in_one_command) {
    Bench bench;
    Driver driver = bench.driver();
    ASSERT_TRUE(driver.open().ok());
    const int before = bench.tis.commands();
    const DigestSet digest = hash(all_banks, "event");
    DigestSet expected = bench.tpm.pcr(12);
    ASSERT_TRUE(driver.extend(pcr12, digest).ok());
    EXPECT_EQ(bench.tis.commands(), before + 1);
    expected = extend(expected, digest);
    EXPECT_EQ(bench.tpm.pcr(12), expected);
    const auto value = driver.read(pcr12);
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(value.value(), expected);
}

TEST(Tpm, resets_the_mirror_pcr_at_locality_2) {
    Bench bench;
    Driver driver = bench.driver();
    ASSERT_TRUE(driver.open_and_reset(pcr21).ok());
    EXPECT_EQ(driver.locality(), 2U);
    for (const std::byte b : bench.tpm.pcr(21).get(Algorithm::Sha256)) {
        EXPECT_EQ(b, std::byte{});
    }
    EXPECT_TRUE(driver.extend(pcr21, hash(all_banks, "x")).ok());
}

TEST(Tpm, works_at_locality_0_when_2_is_denied) {
    Bench bench;
    bench.tis.denied_localities = {1, 2, 3, 4};
    Driver driver = bench.driver();
    ASSERT_TRUE(driver.open().ok());
    EXPECT_EQ(driver.locality(), 0U);
    EXPECT_TRUE(driver.extend(pcr12, hash(all_banks, "x")).ok());
    const auto mirror = driver.extend(pcr21, hash(all_banks, "x"));
    ASSERT_FALSE(mirror.ok());
    EXPECT_EQ(mirror.error().kind, TpmError::Kind::ResponseCode);
    EXPECT_EQ(mirror.error().code, 0x907U);
}

TEST(Tpm, works_at_locality_0_when_2_cannot_reset_the_mirror_pcr) {
    Bench bench;
    bench.tpm.knows_locality_2 = false;
    Driver driver = bench.driver();
    ASSERT_TRUE(driver.open_and_reset(pcr21).ok());
    EXPECT_EQ(driver.locality(), 0U);
    EXPECT_TRUE(driver.extend(pcr12, hash(all_banks, "x")).ok());
    EXPECT_EQ(bench.tpm.pcr(21).get(Algorithm::Sha256)[0], std::byte{0xff});
    driver.relinquish();
    EXPECT_TRUE(bench.tis.is_idle());
    EXPECT_EQ(bench.tis.misuses(), 0);
}

TEST(Tpm, a_mirror_pcr_that_is_not_reset_for_another_reason_is_an_error) {
    Bench bench;
    bench.tis.commands_until_hang = 1;
    EXPECT_FALSE(bench.driver().open_and_reset(pcr21).ok());
    // A TPM that has failed is not one without locality 2.
    Bench failing;
    int answers = 0;
    failing.tis.damage_response = [&](fake::Bytes& response) {
        if (++answers == 2) {
            response = refusal(0x101);  // TPM_RC_FAILURE
        }
    };
    const auto opened = failing.driver().open_and_reset(pcr21);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, 0x101U);
}

TEST(Tpm, is_idle_with_every_locality_given_back_afterwards) {
    for (const bool has_locality_2 : {true, false}) {
        Bench bench;
        bench.tis.denied_localities =
            has_locality_2 ? std::set<uint32_t>{4} : std::set<uint32_t>{1, 2, 3, 4};
        Driver driver = bench.driver();
        ASSERT_TRUE(driver.open().ok());
        driver.relinquish();
        EXPECT_TRUE(bench.tis.is_idle());
        // The next owner takes it as it likes.
        Driver next = bench.driver();
        ASSERT_TRUE(next.open_at(0).ok());
        EXPECT_TRUE(next.extend(pcr12, hash(all_banks, "x")).ok());
    }
}

TEST(Tpm, takes_over_from_firmware_that_left_another_locality_active) {
    for (const uint32_t left : {0U, 1U, 3U}) {
        Bench bench;
        ASSERT_TRUE(bench.driver().open_at(left).ok());  // and is gone
        Driver driver = bench.driver();
        ASSERT_TRUE(driver.open().ok());
        EXPECT_EQ(driver.locality(), 2U);
        EXPECT_TRUE(driver.extend(pcr12, hash(all_banks, "x")).ok());
        driver.relinquish();
        EXPECT_TRUE(bench.tis.is_idle());
        EXPECT_EQ(bench.tis.misuses(), 0);
    }
}

// domB may die anywhere; hv then caps.
TEST(Tpm, takes_over_from_a_program_that_died_within_a_command) {
    constexpr uint32_t locality_2 = 0x2000;
    constexpr uint32_t sts = 0x18;
    constexpr uint32_t fifo = 0x24;
    TpmBuffer buffer;
    const auto command = encode_get_pcr_banks(buffer);
    for (const uint32_t next : {2U, 0U}) {
        for (size_t sent = 0; sent <= command.size() + 1; ++sent) {
            Bench bench;
            bench.tis.write8(locality_2, 0x02);
            bench.tis.write32(locality_2 + sts, 0x40);
            for (const std::byte b : command.first(std::min(sent, command.size()))) {
                bench.tis.write8(locality_2 + fifo, static_cast<uint8_t>(b));
            }
            if (sent > command.size()) {
                bench.tis.write32(locality_2 + sts, 0x20);  // the response stays unread
            }
            Driver driver = bench.driver();
            ASSERT_TRUE(driver.open_at(next).ok()) << sent;
            EXPECT_TRUE(driver.extend(pcr12, hash(all_banks, "x")).ok());
        }
    }
}

TEST(Tpm, uses_the_registers_as_the_specification_allows_with_any_burst_count) {
    for (const uint32_t burst : {1U, 2U, 3U, 64U, 4096U}) {
        Bench bench;
        bench.tis.burst = burst;
        Driver driver = bench.driver();
        ASSERT_TRUE(driver.open().ok());
        ASSERT_TRUE(driver.extend(pcr12, hash(all_banks, "x")).ok());
        ASSERT_TRUE(driver.read(pcr12).ok());
        driver.relinquish();
        EXPECT_EQ(bench.tis.misuses(), 0) << burst;
    }
}

}  // namespace
}  // namespace measure::test
