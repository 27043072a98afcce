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

// What the tool says of the domain "web", as text and as JSON.
void expect_of_web(const Evidence& evidence, const ReferenceValues& reference,
                   std::string_view verdict) {
    const auto log = RawLog::parse(evidence.log);
    ASSERT_TRUE(log.ok());
    const Verdict found = verify(log.value(), evidence.pcrs, reference);
    const std::string json = verdict_to_json(found);
    const size_t at = json.find("\"name\": \"web\"");
    EXPECT_EQ(json.find("\"verdict\": \"" + std::string{verdict} + "\"", at),
              json.find("\"verdict", at))
        << json;
    const bool is_said_to_match =
        verdict_to_text(found).find("domain \"web\": matches\n") != std::string::npos;
    EXPECT_EQ(is_said_to_match, verdict == "matches");
}

TEST(Report, a_domain_matches_by_a_log_that_replays_and_a_launch_that_matches) {
    const SampleLaunch meant;
    const ReferenceValues reference = meant.predict();
    const Evidence good = evidence_of(reference, two_banks());
    expect_of_web(good, reference, "matches");

    // The log is as predicted, the TPM holds something else.
    Evidence forged = good;
    extend_pcr(forged.pcrs, hv::PcrIndex{12}, hash(two_banks(), "foreign"));
    expect_of_web(forged, reference, "unproven");

    const auto expect_after = [&](const std::function<void(SampleLaunch&)>& change,
                                  std::string_view verdict) {
        SampleLaunch launch;
        change(launch);
        expect_of_web(evidence_of(launch.predict(), two_banks()), reference, verdict);
    };
    // Who measures the domains, what the hypervisor was told, and who else is there.
    expect_after([](SampleLaunch& l) { l.modules[1] = "another builder"; }, "unproven");
    expect_after([](SampleLaunch& l) { l.graph.hypervisor_cmdline = "unsafe"; }, "unproven");
    expect_after(
        [](SampleLaunch& l) {
            launch::Domain spy = l.graph.domains[1];
            spy.name = "spy";
            (void)l.graph.domains.push(spy);
        },
        "unproven");
    expect_after([](SampleLaunch& l) { l.modules[3] = "another initrd"; }, "differs");
    // Another domain is not as meant, and so is the launch control module.
    expect_after(
        [](SampleLaunch& l) {
            l.modules[0] = "another lcm";
            l.graph.domains[1].cmdline = "quiet";
        },
        "matches");
}

TEST(Report, a_log_says_which_texts_its_digests_cover) {
    ReferenceValues values = SampleLaunch{}.predict();
    const auto shown = [&] { return RawLog::parse(to_log(values, two_banks())).take(); };
    const std::string warning = "    the digests are not of this text:\n    | hypervisor gantry\n";
    const std::string uncovered = "\"data-is-covered\": false";
    EXPECT_EQ(log_to_text(shown()).find(warning), std::string::npos);
    const size_t tags = log_to_json(shown()).find(uncovered);
    values.events[0].data.back() = std::byte{' '};
    EXPECT_NE(log_to_text(shown()).find(warning), std::string::npos);
    EXPECT_LT(log_to_json(shown()).find(uncovered), tags) << "the text comes first";
}

TEST(Report, json_holds_printable_ascii_whatever_the_evidence) {
    const ReferenceValues reference = SampleLaunch{}.predict();
    ReferenceValues values = reference;
    auto& data = event(values.events, Subject::Configuration).data;
    for (const char c : std::string_view{"\xff \xfe\x1b\n"}) {
        data.push_back(static_cast<std::byte>(c));
    }
    const Evidence evidence = evidence_of(values, two_banks());
    const RawLog log = RawLog::parse(evidence.log).take();
    for (const std::string& json :
         {verdict_to_json(verify(log, evidence.pcrs, reference)), log_to_json(log)}) {
        EXPECT_TRUE(std::all_of(json.begin(), json.end(), [](char c) {
            return c == '\n' || (c >= 0x20 && c <= 0x7e);
        })) << json;
    }
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
