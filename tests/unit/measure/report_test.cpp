// SPDX-License-Identifier: Apache-2.0
// What the tool prints of a verdict, and PCR values as text.
#include "measure/replay/report.hpp"

#include "tests/unit/measure/evidence.hpp"

namespace measure {
namespace {

TEST(Report, the_verdict_is_the_last_line) {
    const ReferenceValues reference = SampleLaunch{}.predict();
    const Evidence evidence = evidence_of(reference, two_banks());
    const auto log = RawLog::parse(evidence.log);
    ASSERT_TRUE(log.ok());
    EXPECT_EQ(verdict_to_text(verify(log.value(), evidence.pcrs, reference)),
              "domain \"web\": matches\n"
              "domain \"db\": matches\n"
              "verdict: matches (evidence unsigned; hypervisor not measured by firmware)\n");
    const PcrValues none;
    EXPECT_TRUE(
        verdict_to_text(verify(log.value(), none, reference)).ends_with("\nverdict: differs\n"));
}

TEST(Pcrs, text_gives_back_the_same_values) {
    const Evidence evidence = evidence_of(SampleLaunch{}.predict(), two_banks());
    const auto back = pcrs_from_text(pcrs_to_text(evidence.pcrs));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back.value(), evidence.pcrs);
}

TEST(Pcrs, malformed_lines_are_refused) {
    const std::string zeros(64, '0');
    EXPECT_TRUE(pcrs_from_text("sha256 12 " + zeros).ok());
    EXPECT_TRUE(pcrs_from_text("").ok());
    for (const std::string& text :
         {"sha256 24 " + zeros, "sha256 -1 " + zeros, "sha256 12x " + zeros, "sha256 12" + zeros,
          "sha257 12 " + zeros, "sha256 12 " + zeros + "0", "sha256 12 " + zeros + "00",
          "sha256 12 " + zeros.substr(1) + "g", "sha256 12 " + zeros + "\nsha256 12 " + zeros,
          "sha256 12 " + zeros + "\n\n", "sha256 12 " + zeros + "\r\n", "sha256  12 " + zeros}) {
        EXPECT_FALSE(pcrs_from_text(text).ok()) << text;
    }
}

}  // namespace
}  // namespace measure
