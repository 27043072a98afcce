// SPDX-License-Identifier: Apache-2.0
// Hygiene of the parser: every malformed log is refused with its own reason, and never read past
// its end (the sanitizer sees that: each input has its exact size).
#include "measure/tcg/log_reader.hpp"

#include "measure/replay/replay.hpp"
#include "tests/unit/measure/log_bytes.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace measure {
namespace {

using Bytes = std::vector<std::byte>;

// Offsets in sample_log().
constexpr size_t algorithm_count_at = 32 + 24;
constexpr size_t algorithms_at = 32 + 28;
constexpr size_t vendor_size_at = algorithms_at + 8;
constexpr size_t first_event_at = vendor_size_at + 1;
constexpr size_t digests_at = first_event_at + 12;
constexpr size_t first_data_size_at = digests_at + 2 + 20 + 2 + 32;

void put32(Bytes& bytes, size_t at, uint32_t value) {
    const hv::Le<uint32_t> ordered{value};
    const auto encoded = std::as_bytes(std::span{&ordered, 1});
    std::copy(encoded.begin(), encoded.end(), bytes.begin() + static_cast<ptrdiff_t>(at));
}
void put16(Bytes& bytes, size_t at, uint16_t value) {
    bytes[at] = static_cast<std::byte>(value & 0xff);
    bytes[at + 1] = static_cast<std::byte>(value >> 8);
}

// The reason why the whole log is refused.
LogParseError refusal(const Bytes& bytes) {
    const auto log = RawLog::parse(Bytes{bytes});
    EXPECT_FALSE(log.ok());
    return log.ok() ? LogParseError{} : log.error();
}

LogParseError refusal_after(const std::function<void(Bytes&)>& change) {
    Bytes bytes = sample_log();
    change(bytes);
    bytes.shrink_to_fit();
    return refusal(bytes);
}

TEST(LogReader, reads_back_what_was_written) {
    const Bytes bytes = sample_log();
    const auto log = RawLog::parse(bytes);
    ASSERT_TRUE(log.ok());
    ASSERT_EQ(log.value().events().size(), 3U);
    const RawEvent& event = log.value().events()[1];
    EXPECT_EQ(event.index, 2U);
    EXPECT_EQ(event.pcr, hv::PcrIndex{13});
    EXPECT_EQ(event.claimed_type, EventType::EV_EVENT_TAG);
    EXPECT_TRUE(event.data_is_covered);
    EXPECT_EQ(event.digests, hash(log.value().banks(), "second"));
}

TEST(LogReader, a_log_cut_anywhere_within_a_record_is_refused) {
    const Bytes whole = sample_log();
    size_t accepted = 0;
    for (size_t size = 0; size < whole.size(); ++size) {
        Bytes cut{whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)};
        cut.shrink_to_fit();
        const auto log = RawLog::parse(cut);
        accepted += log.ok() ? 1 : 0;
        if (!log.ok()) {
            EXPECT_TRUE(log.error().fault == LogFault::Truncated ||
                        log.error().fault == LogFault::BadSpecId);
        }
    }
    EXPECT_EQ(accepted, 3U);  // after the header, the first and the second event
}

TEST(LogReader, bytes_behind_the_last_record_are_refused) {
    for (const std::byte filler : {std::byte{0}, std::byte{0xff}}) {
        for (const size_t count : {1U, 15U, 16U, 100U, 1000U}) {
            EXPECT_EQ(refusal_after([&](Bytes& b) { b.resize(b.size() + count, filler); }).offset,
                      sample_log().size());
        }
    }
}

TEST(LogReader, the_first_record_must_be_a_spec_id_event) {
    EXPECT_EQ(refusal({}).fault, LogFault::Truncated);
    EXPECT_EQ(refusal_after([](Bytes& b) { put32(b, 0, 1); }).fault, LogFault::BadSpecId);
    EXPECT_EQ(refusal_after([](Bytes& b) { put32(b, 4, 4); }).fault, LogFault::BadSpecId);
    EXPECT_EQ(refusal_after([](Bytes& b) { b[8] = std::byte{1}; }).fault, LogFault::BadSpecId);
    EXPECT_EQ(refusal_after([](Bytes& b) { b[32] = std::byte{'X'}; }).fault, LogFault::BadSpecId);
    EXPECT_EQ(refusal_after([](Bytes& b) { b[32 + 20] = std::byte{1}; }).fault,
              LogFault::BadSpecId);  // minor version
    EXPECT_EQ(refusal_after([](Bytes& b) { b[32 + 21] = std::byte{1}; }).fault,
              LogFault::BadSpecId);  // major version
    EXPECT_EQ(refusal_after([](Bytes& b) { put32(b, 28, 0xffffffff); }).fault, LogFault::Truncated);
    EXPECT_EQ(refusal_after([](Bytes& b) { put32(b, 28, 8); }).fault, LogFault::BadSpecId);
    EXPECT_EQ(refusal_after([](Bytes& b) {
                  b.erase(b.begin(), b.begin() + static_cast<ptrdiff_t>(first_event_at));
              }).fault,
              LogFault::BadSpecId);
}

TEST(LogReader, a_second_spec_id_event_is_refused) {
    const std::string_view payload{"Spec ID Event03\0 and more", 25};
    std::vector<std::byte> area(1000);
    LogWriter log{area};
    ASSERT_TRUE(log.start(bank(Algorithm::Sha256)).ok());
    ASSERT_TRUE(append(log, 0, EventType::EV_NO_ACTION, payload).ok());
    EXPECT_EQ(refusal({log.bytes().begin(), log.bytes().end()}).fault, LogFault::SecondSpecId);
}

TEST(LogReader, the_algorithms_of_the_header_must_be_known_and_different) {
    EXPECT_EQ(refusal_after([](Bytes& b) { put32(b, algorithm_count_at, 0); }).fault,
              LogFault::BadSpecId);
    EXPECT_EQ(refusal_after([](Bytes& b) { put32(b, algorithm_count_at, 0xffffffff); }).fault,
              LogFault::UnknownAlgorithm);
    EXPECT_EQ(refusal_after([](Bytes& b) { put16(b, algorithms_at, 0x12); }).fault,
              LogFault::UnknownAlgorithm);
    EXPECT_EQ(refusal_after([](Bytes& b) { put16(b, algorithms_at + 2, 21); }).fault,
              LogFault::UnknownAlgorithm);
    EXPECT_EQ(refusal_after([](Bytes& b) {
                  put16(b, algorithms_at + 4, 0x04);
                  put16(b, algorithms_at + 6, 20);
              }).fault,
              LogFault::RepeatedAlgorithm);
}

TEST(LogReader, a_header_without_any_algorithm_is_refused) {
    Bytes bytes = sample_log();
    bytes.resize(first_event_at);
    bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(algorithms_at),
                bytes.begin() + static_cast<ptrdiff_t>(vendor_size_at));
    put32(bytes, 28, static_cast<uint32_t>(bytes.size() - 32));
    put32(bytes, algorithm_count_at, 0);
    EXPECT_EQ(refusal(bytes).fault, LogFault::BadSpecId);
}

TEST(LogReader, the_vendor_information_must_fill_the_header_exactly) {
    EXPECT_EQ(refusal_after([](Bytes& b) { b[vendor_size_at] = std::byte{1}; }).fault,
              LogFault::BadSpecId);
    Bytes bytes = sample_log();
    put32(bytes, 28, static_cast<uint32_t>(first_event_at - 32 + 3));
    bytes[vendor_size_at] = std::byte{3};
    bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(first_event_at), 3, std::byte{0x55});
    EXPECT_TRUE(RawLog::parse(bytes).ok());
    bytes[vendor_size_at] = std::byte{2};
    EXPECT_EQ(refusal(bytes).fault, LogFault::BadSpecId);
}

TEST(LogReader, an_event_has_exactly_the_banks_of_the_header) {
    for (const uint32_t count : {0U, 1U, 3U, 0xffffffffU}) {
        EXPECT_EQ(refusal_after([&](Bytes& b) { put32(b, first_event_at + 8, count); }).fault,
                  LogFault::WrongBanks);
    }
    EXPECT_EQ(refusal_after([](Bytes& b) { put16(b, digests_at, 0x12); }).fault,
              LogFault::UnknownAlgorithm);
    EXPECT_EQ(refusal_after([](Bytes& b) { put16(b, digests_at, 0x0c); }).fault,
              LogFault::WrongBanks);
    EXPECT_EQ(refusal_after([](Bytes& b) { put16(b, digests_at + 22, 0x04); }).fault,
              LogFault::RepeatedAlgorithm);
}

TEST(LogReader, the_order_of_digests_is_free) {
    Bytes bytes = sample_log();
    const auto at = bytes.begin() + static_cast<ptrdiff_t>(digests_at);
    std::rotate(at, at + 22, at + 22 + 34);
    const auto log = RawLog::parse(bytes);
    ASSERT_TRUE(log.ok());
    EXPECT_EQ(log.value().events()[0].digests, hash(log.value().banks(), "first"));
}

TEST(LogReader, a_pcr_that_does_not_exist_is_refused) {
    for (const uint32_t pcr : {24U, 32U, 0xffffffffU}) {
        const LogParseError error = refusal_after([&](Bytes& b) { put32(b, first_event_at, pcr); });
        EXPECT_EQ(error.fault, LogFault::BadPcr);
        EXPECT_EQ(error.offset, first_event_at);
    }
}

TEST(LogReader, an_announced_size_beyond_the_log_is_refused_before_it_is_used) {
    for (const uint32_t size : {0x1000U, 0x40000000U, 0xffffffffU}) {
        EXPECT_EQ(refusal_after([&](Bytes& b) { put32(b, first_data_size_at, size); }).fault,
                  LogFault::Truncated);
    }
}

TEST(LogReader, extent_ends_where_well_formed_records_end) {
    Bytes area = sample_log();
    const size_t used = area.size();
    area.resize(used + 4096);
    EXPECT_EQ(log_extent(area).bytes, used);
    EXPECT_EQ(log_extent(area).records, 4U);
    area[first_event_at + 8] = std::byte{9};
    EXPECT_EQ(log_extent(area).bytes, first_event_at);
    EXPECT_EQ(log_extent({}).records, 0U);
}

// Firmware logs at which locality it has started the TPM, before it extends PCR 0. (tpm2_eventlog
// 5.4, which other tests ask, takes that event for one that is extended.)
TEST(LogReader, pcr_0_starts_as_the_locality_of_the_start) {
    const BankSet banks = bank(Algorithm::Sha256);
    const std::string_view startup{"StartupLocality\0\3", 17};
    const auto pcr_0_after = [&](const std::function<void(LogWriter&)>& write) {
        std::vector<std::byte> area(1000);
        LogWriter log{area};
        EXPECT_TRUE(log.start(banks).ok());
        write(log);
        return RawLog::parse(log.bytes()).value().totals().at(hv::PcrIndex{0});
    };
    const auto add = [](LogWriter& log, uint32_t pcr, EventType type, std::string_view data) {
        EXPECT_TRUE(append(log, pcr, type, data).ok());
    };
    DigestSet expected;
    std::vector<std::byte> start(32);
    expected.set(Algorithm::Sha256, start);
    const DigestSet from_0 = extend(expected, hash(banks, "x"));
    start.back() = std::byte{3};
    expected.set(Algorithm::Sha256, start);
    const DigestSet from_3 = extend(expected, hash(banks, "x"));
    EXPECT_EQ(pcr_0_after([&](LogWriter& log) {
                  add(log, 0, EventType::EV_NO_ACTION, startup);
                  add(log, 0, EventType::EV_EVENT_TAG, "x");
              }),
              from_3);
    // Too late, in another PCR, of another type, of another length.
    EXPECT_EQ(pcr_0_after([&](LogWriter& log) {
                  add(log, 12, EventType::EV_NO_ACTION, startup);
                  add(log, 0, EventType::EV_NO_ACTION, startup.substr(0, 16));
                  add(log, 0, EventType::EV_NO_ACTION, "startupLocality\0\3");
                  add(log, 0, EventType::EV_EVENT_TAG, "x");
                  add(log, 0, EventType::EV_NO_ACTION, startup);
              }),
              from_0);
}

}  // namespace
}  // namespace measure
