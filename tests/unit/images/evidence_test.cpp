// SPDX-License-Identifier: Apache-2.0
#include "images/console/evidence.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

using images::decode_base64;
using images::EvidenceExtractor;

// Of the three bytes "abc", FIPS 180-2 appendix B.1.
constexpr const char* abc_sha256 =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const std::string end_line = "-----END GANTRY EVIDENCE-----";

std::string begin_line(const std::string& name, const std::string& bytes,
                       const std::string& sha256 = abc_sha256) {
    return "-----BEGIN GANTRY EVIDENCE name=" + name + " bytes=" + bytes + " sha256=" + sha256 +
           "-----";
}

// The one fault that these lines give.
std::string fault_of(const std::vector<std::string>& lines) {
    EvidenceExtractor extractor;
    for (const auto& line : lines) {
        extractor.add_line(line);
    }
    EXPECT_TRUE(extractor.blocks().empty());
    EXPECT_EQ(extractor.faults().size(), 1U);
    return extractor.faults().empty() ? "" : extractor.faults().front();
}

TEST(Evidence, a_block_among_other_lines_is_found) {
    EvidenceExtractor extractor;
    EXPECT_FALSE(extractor.add_line("booting"));
    EXPECT_TRUE(extractor.add_line(begin_line("log", "3")));
    EXPECT_EQ(extractor.open_block(), "log");
    EXPECT_TRUE(extractor.add_line("YW"));
    EXPECT_TRUE(extractor.add_line("Jj"));
    EXPECT_TRUE(extractor.add_line(end_line));
    EXPECT_FALSE(extractor.add_line("done"));
    ASSERT_NE(extractor.find("log"), nullptr);
    EXPECT_EQ(extractor.find("log")->bytes, "abc");
    EXPECT_EQ(extractor.find("pcrs"), nullptr);
    EXPECT_TRUE(extractor.faults().empty());
}

TEST(Evidence, each_kind_of_bad_block_is_refused_and_named) {
    EXPECT_EQ(fault_of({begin_line("log", "3"), "YWJk", end_line}),
              "evidence log: SHA-256 differs");
    EXPECT_EQ(fault_of({begin_line("log", "3"), "YWI=", end_line}),
              "evidence log: 2 bytes, expected 3");
    EXPECT_EQ(fault_of({begin_line("log", "3"), "YW!j", end_line}), "evidence log: not base64");
    EXPECT_EQ(fault_of({begin_line("log", "3"), "YWJjYWJj"}), "evidence log: longer than it says");
    EXPECT_EQ(fault_of({begin_line("log", "16777217")}), "evidence log: no usable length");
    EXPECT_EQ(fault_of({begin_line("log", "99999999999999999999")}),
              "evidence log: no usable length");
    EXPECT_EQ(fault_of({begin_line("log", "-1")}), "evidence log: no usable length");
    EXPECT_EQ(fault_of({begin_line("../x", "3")}), "evidence: malformed first line");
    EXPECT_EQ(fault_of({begin_line("log", "3", "00")}), "evidence: malformed first line");
    EXPECT_EQ(fault_of({"-----BEGIN GANTRY EVIDENCE name=log"}),
              "evidence: first line without its end");
    EXPECT_EQ(fault_of({begin_line("log", "3"), begin_line("log", "3")}),
              "evidence log: not ended before the next one");
}

TEST(Evidence, the_first_block_of_a_name_stays) {
    EvidenceExtractor extractor;
    for (const char* text : {"YWJj", "YWJj"}) {
        extractor.add_line(begin_line("pcrs", "3"));
        extractor.add_line(text);
        extractor.add_line(end_line);
    }
    EXPECT_EQ(extractor.blocks().size(), 1U);
    EXPECT_EQ(extractor.faults(), (std::vector<std::string>{"evidence pcrs: more than one block"}));
}

TEST(Evidence, a_flood_of_faults_is_not_kept) {
    EvidenceExtractor extractor;
    for (int i = 0; i < 1000; ++i) {
        extractor.add_line("-----BEGIN GANTRY EVIDENCE x");
    }
    EXPECT_EQ(extractor.faults().size(), EvidenceExtractor::max_faults);
}

TEST(Base64, padding_is_strict) {
    EXPECT_EQ(decode_base64(""), "");
    EXPECT_EQ(decode_base64("YWJj"), "abc");
    EXPECT_EQ(decode_base64("YWI="), "ab");
    EXPECT_EQ(decode_base64("YQ=="), "a");
    for (const char* bad :
         {"Y", "YW", "YWJ", "YQ=a", "=", "====", "Y===", "YR==", "YWJ=", "YW\nj"}) {
        EXPECT_FALSE(decode_base64(bad)) << bad;
    }
}

}  // namespace
