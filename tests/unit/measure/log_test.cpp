// SPDX-License-Identifier: Apache-2.0
#include "measure/tcg/log.hpp"

#include "measure/replay/hex.hpp"
#include "measure/tcg/log_reader.hpp"
#include "tests/unit/measure/log_bytes.hpp"

#include <gtest/gtest.h>

namespace measure {
namespace {

TEST(LogWriter, header_and_event_are_laid_out_as_the_specification_says) {
    std::vector<std::byte> area(400);
    LogWriter log{area};
    ASSERT_TRUE(log.start(bank(Algorithm::Sha256)).ok());
    EXPECT_EQ(to_hex(log.bytes()),
              "00000000"                                  // PCR
              "03000000"                                  // EV_NO_ACTION
              "0000000000000000000000000000000000000000"  // SHA-1 digest
              "21000000"                                  // size
              "53706563204944204576656e74303300"          // "Spec ID Event03"
              "00000000"                                  // platform class
              "00020002"                                  // version 2.0, errata 0, 64 bits
              "01000000"                                  // one algorithm
              "0b002000"                                  // SHA-256, 32 bytes
              "00");                                      // no vendor information
    const size_t start = log.used();
    ASSERT_TRUE(append(log, 12, EventType::EV_IPL, "abc").ok());
    EXPECT_EQ(to_hex(log.bytes().subspan(start)),
              "0c000000"  // PCR
              "0d000000"  // EV_IPL
              "01000000"
              "0b00"
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
              "03000000"
              "616263");
}

TEST(LogWriter, sizes_are_known_beforehand) {
    std::vector<std::byte> area(1000);
    LogWriter log{area};
    ASSERT_TRUE(log.start(all_banks).ok());
    EXPECT_EQ(log.used(), log_header_bytes(all_banks));
    const size_t start = log.used();
    ASSERT_TRUE(append(log, 12, EventType::EV_IPL, "twelve bytes", all_banks).ok());
    EXPECT_EQ(log.used() - start, log_event_bytes(all_banks, 12));
}

TEST(LogWriter, what_does_not_fit_changes_nothing_and_a_spare_byte_stays) {
    const auto whole = sample_log();
    for (size_t size = 0; size <= whole.size() + 1; ++size) {
        std::vector<std::byte> area(size, std::byte{0xaa});
        LogWriter log{area};
        const bool complete = write_sample(log);
        EXPECT_EQ(complete, size >= whole.size() + log_spare_bytes) << size;
        EXPECT_TRUE(std::equal(log.bytes().begin(), log.bytes().end(), whole.begin()));
        EXPECT_TRUE(std::all_of(area.begin() + static_cast<ptrdiff_t>(log.used()), area.end(),
                                [](std::byte b) { return b == std::byte{0xaa}; }));
    }
}

TEST(LogWriter, another_program_continues_where_the_first_stopped) {
    std::vector<std::byte> area(4096);
    LogWriter first{area};
    ASSERT_TRUE(first.start(bank(Algorithm::Sha256)).ok());
    ASSERT_TRUE(append(first, 12, EventType::EV_IPL, "one").ok());
    const LogExtent extent = log_extent(area);
    EXPECT_EQ(extent.bytes, first.used());
    EXPECT_EQ(extent.records, 2U);
    LogWriter second{area, extent.bytes};
    ASSERT_TRUE(append(second, 13, EventType::EV_EVENT_TAG, "two").ok());
    EXPECT_EQ(log_extent(area).records, 3U);
}

}  // namespace
}  // namespace measure
