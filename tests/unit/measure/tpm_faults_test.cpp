// SPDX-License-Identifier: Apache-2.0
// The driver with a TPM that is absent, refuses, lies or falls silent.
#include "measure/tpm/measured_log.hpp"
#include "tests/unit/measure/tpm_bench.hpp"

namespace measure::test {
namespace {

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
    const auto unknown = bench.driver().open();
    ASSERT_FALSE(unknown.ok());
    EXPECT_EQ(unknown.error().kind, TpmError::Kind::Banks);
    hv::TextOf<200> text;
    put(text, unknown.error());
    EXPECT_NE(text.view().find("a PCR bank other than SHA-1 and SHA-2 is active"),
              std::string_view::npos);
    Bench without{BankSet{}};
    const auto none = without.driver().open();
    ASSERT_FALSE(none.ok());
    EXPECT_EQ(none.error().kind, TpmError::Kind::Banks);
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

// TPM_RC_YIELDED, TPM_RC_TESTING and TPM_RC_RETRY: the command was not carried out.
TEST(Tpm, a_command_that_the_tpm_wants_once_more_is_sent_once_more) {
    for (const uint32_t code : {0x908U, 0x90aU, 0x922U}) {
        Bench bench;
        Driver driver = bench.driver();
        ASSERT_TRUE(driver.open().ok());
        bench.tpm.busy_code = code;
        bench.tpm.busy_times = 3;
        const DigestSet digest = hash(all_banks, "event");
        const DigestSet expected = extend(bench.tpm.pcr(12), digest);
        ASSERT_TRUE(driver.extend(pcr12, digest).ok()) << code;
        EXPECT_EQ(bench.tpm.pcr(12), expected) << "once";
        EXPECT_EQ(bench.tis.misuses(), 0);
    }
}

TEST(Tpm, a_tpm_that_is_always_busy_is_given_up) {
    Bench bench;
    Driver driver = bench.driver();
    ASSERT_TRUE(driver.open().ok());
    bench.tpm.busy_code = 0x922;
    bench.tpm.busy_times = ~0U;
    const auto result = driver.extend(pcr12, hash(all_banks, "x"));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, 0x922U);
    EXPECT_GT(bench.now, 10 * second);
    EXPECT_LT(bench.now, 60 * second);
}

TEST(Tpm, a_fault_at_locality_2_is_no_reason_to_go_on_without_it) {
    Bench bench;
    int answers = 0;
    bench.tis.damage_response = [&](fake::Bytes& response) {
        if (++answers == 1) {
            response = refusal(0x101);
        }
    };
    Driver driver = bench.driver();
    const auto opened = driver.open();
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, 0x101U);
}

// A byte makes Expect and dataAvail meaningless until stsValid is set again, [tcg-ptp] TPM_STS_x.
TEST(Tpm, a_status_that_is_not_valid_yet_is_not_believed) {
    for (const unsigned looks : {1U, 2U, 5U}) {
        Bench bench;
        bench.tis.looks_until_valid = looks;
        Driver driver = bench.driver();
        ASSERT_TRUE(driver.open().ok()) << looks;
        EXPECT_TRUE(driver.extend(pcr12, hash(all_banks, "x")).ok()) << looks;
        EXPECT_TRUE(driver.read(pcr12).ok()) << looks;
        EXPECT_EQ(bench.tis.misuses(), 0) << looks;
    }
    Bench never;
    Driver driver = never.driver();
    ASSERT_TRUE(driver.open().ok());
    never.tis.looks_until_valid = ~0U;
    const auto result = driver.extend(pcr12, hash(all_banks, "x"));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, TpmError::Kind::Timeout);
}

}  // namespace
}  // namespace measure::test
