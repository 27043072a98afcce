// SPDX-License-Identifier: Apache-2.0
#include "measure/tpm/tpm.hpp"

#include "measure/tpm/measured_log.hpp"
#include "tests/fake/fake_tis.hpp"
#include "tests/fake/fake_tpm.hpp"

#include <gtest/gtest.h>

namespace measure {
namespace {

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

constexpr uint64_t second = 1'000'000'000;

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

TEST(Tpm, an_absent_tpm_is_named_so) {
    Bench bench;
    bench.tis.is_absent = true;
    Driver driver = bench.driver();
    const auto opened = driver.open();
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().kind, TpmError::Kind::Absent);
}

TEST(Tpm, a_crb_interface_is_not_driven) {
    Bench bench;
    bench.tis.interface_id = 1;
    Driver driver = bench.driver();
    const auto opened = driver.open();
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().kind, TpmError::Kind::NotTpm2);
    EXPECT_EQ(bench.tis.commands(), 0);
}

TEST(Tpm, a_bank_that_nobody_would_extend_is_refused) {
    Bench bench;
    bench.tpm.has_sm3 = true;
    EXPECT_FALSE(bench.driver().open().ok());
    Bench without{BankSet{}};
    EXPECT_FALSE(without.driver().open().ok());
}

TEST(Tpm, a_tpm_that_stops_answering_is_given_up_within_the_limit) {
    for (int commands = 0; commands < 4; ++commands) {
        Bench bench;
        bench.tis.commands_until_hang = commands;
        Driver driver = bench.driver();
        auto result = driver.open_at(2);
        while (result.ok()) {
            result = driver.extend(pcr12, hash(all_banks, "x")).ok()
                         ? hv::Result<void, TpmError>{}
                         : hv::Result<void, TpmError>{hv::Err{TpmError{TpmError::Kind::Timeout}}};
        }
        EXPECT_EQ(result.error().kind, TpmError::Kind::Timeout);
        EXPECT_GT(bench.now, 10 * second);
        EXPECT_LT(bench.now, 60 * second);
        driver.relinquish();
        EXPECT_TRUE(bench.tis.is_idle());
    }
}

TEST(Tpm, a_clock_that_jumps_does_not_end_a_wait_that_has_succeeded) {
    Bench bench;
    struct JumpingClock {
        uint64_t* now;
        uint64_t now_ns() { return *now += 100 * second; }
    };
    Tpm<fake::FakeMmio, JumpingClock> driver{fake::FakeMmio{&bench.tis}, JumpingClock{&bench.now}};
    ASSERT_TRUE(driver.open().ok());
    EXPECT_TRUE(driver.extend(pcr12, hash(all_banks, "x")).ok());
}

TEST(Tpm, a_burst_count_of_zero_is_waited_for_and_given_up) {
    Bench bench;
    bench.tis.burst = 0;
    Driver driver = bench.driver();
    const auto opened = driver.open_at(2);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().kind, TpmError::Kind::Timeout);
}

TEST(Tpm, a_tpm_that_still_expects_bytes_is_not_started) {
    Bench bench;
    bench.tis.keeps_expecting = true;
    Driver driver = bench.driver();
    const auto opened = driver.open_at(2);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().kind, TpmError::Kind::Malformed);
    EXPECT_EQ(bench.tis.commands(), 0);
}

// Nonsense of every kind is an error, never success and never a read beyond the buffer.
TEST(Tpm, a_response_cut_or_lengthened_is_refused) {
    const auto extend_with = [](const std::function<void(fake::Bytes&)>& damage) {
        Bench bench;
        Driver driver = bench.driver();
        EXPECT_TRUE(driver.open().ok());
        bench.tis.damage_response = damage;
        const auto result = driver.extend(pcr12, hash(all_banks, "x"));
        EXPECT_FALSE(result.ok());
        return result.ok() ? TpmError{} : result.error();
    };
    for (size_t size = 0; size < 19; ++size) {
        EXPECT_EQ(extend_with([size](fake::Bytes& b) { b.resize(size); }).kind,
                  size == 0 ? TpmError::Kind::Timeout : TpmError::Kind::Malformed)
            << size;
    }
    EXPECT_EQ(extend_with([](fake::Bytes& b) { b.push_back({}); }).kind, TpmError::Kind::Malformed);
    for (const uint8_t size : std::initializer_list<uint8_t>{0, 9, 255}) {  // the size field itself
        EXPECT_EQ(extend_with([size](fake::Bytes& b) { b[5] = std::byte{size}; }).kind,
                  TpmError::Kind::Malformed);
    }
    EXPECT_EQ(extend_with([](fake::Bytes& b) { b[2] = std::byte{0xff}; }).kind,
              TpmError::Kind::Malformed);
    EXPECT_EQ(extend_with([](fake::Bytes& b) { b[1] = std::byte{0x01}; }).kind,
              TpmError::Kind::Malformed);  // tag
    const TpmError refused = extend_with([](fake::Bytes& b) { b[9] = std::byte{0x42}; });
    EXPECT_EQ(refused.kind, TpmError::Kind::ResponseCode);
    EXPECT_EQ(refused.code, 0x42U);
}

TEST(Tpm, a_response_larger_than_any_of_ours_is_refused) {
    Bench bench;
    Driver driver = bench.driver();
    ASSERT_TRUE(driver.open().ok());
    bench.tis.damage_response = [](fake::Bytes& b) {
        b.resize(5000);
        b[4] = std::byte{5000 >> 8};
        b[5] = std::byte{5000 & 0xff};
    };
    const auto result = driver.extend(pcr12, hash(all_banks, "x"));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, TpmError::Kind::Malformed);
}

// Only the update counter and the value itself may be anything.
TEST(Tpm, every_wrong_byte_around_a_pcr_value_is_noticed) {
    for (size_t at = 0; at < 62; ++at) {
        Bench bench;
        Driver driver = bench.driver();
        ASSERT_TRUE(driver.open().ok());
        bench.tis.damage_response = [at](fake::Bytes& b) {
            if (at < b.size()) {
                b[at] ^= std::byte{0x80};
            }
        };
        const auto value = driver.read(pcr12);
        const bool is_update_counter = at >= 10 && at < 14;
        const bool is_digest = at >= 30;
        EXPECT_EQ(value.ok(), is_update_counter || is_digest) << at;
    }
}

TEST(Tpm, the_log_stops_where_the_tpm_fails) {
    Bench bench;
    Driver driver = bench.driver();
    ASSERT_TRUE(driver.open().ok());
    bench.tpm.fail_extends_after = 1;
    std::vector<std::byte> area(4096);
    LogWriter log{area};
    ASSERT_TRUE(log.start(driver.banks()).ok());
    MeasuredLog sink{log, driver};
    LaunchRecorder recorder{sink, EventPlan{.banks = driver.banks()}};
    ASSERT_TRUE(recorder.domain_text("one").ok());
    const auto second_event = recorder.domain_text("two");
    ASSERT_FALSE(second_event.ok());
    ASSERT_TRUE(second_event.error().tpm.has_value());
    EXPECT_EQ(second_event.error().tpm->code, 0x101U);
    EXPECT_EQ(recorder.next_record(), 2U);
}

TEST(Tpm, a_full_log_extends_nothing) {
    Bench bench;
    Driver driver = bench.driver();
    ASSERT_TRUE(driver.open().ok());
    std::vector<std::byte> area(log_header_bytes(all_banks) + 10);
    LogWriter log{area};
    ASSERT_TRUE(log.start(driver.banks()).ok());
    MeasuredLog sink{log, driver};
    LaunchRecorder recorder{sink, EventPlan{.banks = driver.banks()}};
    const DigestSet before = bench.tpm.pcr(12);
    const auto result = recorder.domain_text("one");
    ASSERT_FALSE(result.ok());
    EXPECT_FALSE(result.error().tpm.has_value());
    EXPECT_EQ(bench.tpm.pcr(12), before);
}

}  // namespace
}  // namespace measure
