// SPDX-License-Identifier: Apache-2.0
// The mirror PCR of locality 2: disagreeing, cut out, or honestly absent.
#include "measure/replay/report.hpp"
#include "measure/replay/verify.hpp"
#include "tests/unit/measure/evidence.hpp"

namespace measure {
namespace {

TEST(Verify, a_mirror_that_disagrees_is_caught) {
    const auto changed = lines_after_events(
        [](Events& events) { event(events, Subject::Mirror, 3).digests = hash(all_banks, "x"); });
    EXPECT_TRUE(has_line(changed, "launch: mirror in PCR 21: expected sha256 "));
    const auto missing = lines_after_events([](Events& events) {
        std::erase_if(events, [](const auto& e) { return e.subject == Subject::Mirror; });
    });
    EXPECT_TRUE(has_line(missing,
                         "launch: mirror in PCR 21: expected every event again, or PCR 20 to 22 as "
                         "a TPM starts them, found 0"));
    const auto cut_short = lines_after_events([](Events& events) {
        events.erase(events.end() - 4);  // the last mirror; three separators follow
    });
    EXPECT_TRUE(has_line(cut_short, "launch: mirror in PCR 21: expected sha256 "));
    EXPECT_TRUE(cut_short.front().ends_with(", found nothing")) << cut_short.front();
    const auto renumbered = lines_after_events(
        [](Events& events) { event(events, Subject::Mirror).data.back() ^= std::byte{1}; });
    EXPECT_EQ(renumbered.size(), 1U);
    // A foreign event in both, and a mirror where none is expected.
    const ReferenceValues plain = SampleLaunch{}.predict(false);
    EXPECT_TRUE(has_line(lines_of(evidence_of(SampleLaunch{}.predict(), two_banks()), plain),
                         "launch: mirror in PCR 21: expected no event, found 8"));
}

// What a TPM holds in a PCR of locality 2 that nobody has used.
DigestSet untouched(BankSet banks) {
    DigestSet value;
    for (const Algorithm a : all_algorithms) {
        if (banks.has(a)) {
            value.set(a, std::vector<std::byte>(digest_bytes(a), std::byte{0xff}));
        }
    }
    return value;
}

void leave_locality_2_untouched(Evidence& evidence) {
    for (const uint32_t pcr : {20U, 21U, 22U}) {
        evidence.pcrs[hv::PcrIndex{pcr}] = untouched(two_banks());
    }
}

// Evidence of a launch on a machine without locality 2.
Evidence evidence_without_mirror() {
    Evidence evidence = evidence_of(SampleLaunch{}.predict(false), two_banks());
    leave_locality_2_untouched(evidence);
    return evidence;
}

TEST(Verify, a_launch_without_locality_2_matches_and_is_said_to_have_no_mirror) {
    const ReferenceValues reference = SampleLaunch{}.predict();
    const Evidence evidence = evidence_without_mirror();
    const auto log = RawLog::parse(evidence.log);
    const Verdict verdict = verify(log.value(), evidence.pcrs, reference);
    EXPECT_EQ(lines_of(evidence, reference), std::vector<std::string>{});
    EXPECT_TRUE(verdict.mirror_absent);
    EXPECT_NE(
        verdict_to_text(verdict).find("\nmirror: absent (locality 2 was not usable; PCR 20 to "
                                      "22 are untouched)\nverdict: matches ("),
        std::string::npos);
    EXPECT_NE(verdict_to_json(verdict).find("\"mirror\": \"absent\""), std::string::npos);

    const Evidence mirrored = evidence_of(reference, two_banks());
    const auto whole = RawLog::parse(mirrored.log);
    const Verdict usual = verify(whole.value(), mirrored.pcrs, reference);
    EXPECT_FALSE(usual.mirror_absent);
    EXPECT_EQ(verdict_to_text(usual).find("mirror"), std::string::npos);
    EXPECT_NE(verdict_to_json(usual).find("\"mirror\": \"expected\""), std::string::npos);
}

TEST(Verify, mirrors_that_were_cut_out_are_not_taken_for_absent_ones) {
    const ReferenceValues reference = SampleLaunch{}.predict();
    const hv::PcrIndex mirror{21};
    const auto differs = [&](const std::function<void(PcrValues&)>& change) {
        Evidence evidence = evidence_without_mirror();
        change(evidence.pcrs);
        return has_line(lines_of(evidence, reference), "launch: mirror in PCR 21: expected every ");
    };
    EXPECT_TRUE(differs([&](PcrValues& pcrs) { pcrs.erase(mirror); }));
    // What it has after a launch with locality 2, after its reset, and when somebody extends it.
    EXPECT_TRUE(differs([&](PcrValues& pcrs) {
        pcrs[mirror] = evidence_of(reference, two_banks()).pcrs.at(mirror);
    }));
    EXPECT_TRUE(differs([&](PcrValues& pcrs) {
        for (const Algorithm a : {Algorithm::Sha1, Algorithm::Sha256}) {
            pcrs[mirror].set(a, std::vector<std::byte>(digest_bytes(a)));
        }
    }));
    EXPECT_TRUE(differs(
        [&](PcrValues& pcrs) { pcrs[mirror] = extend(pcrs[mirror], hash(two_banks(), "x")); }));
    // In one bank only.
    EXPECT_TRUE(differs(
        [&](PcrValues& pcrs) { pcrs[mirror].set(Algorithm::Sha1, std::vector<std::byte>(20)); }));
    EXPECT_TRUE(
        differs([&](PcrValues& pcrs) { pcrs[mirror] = untouched(bank(Algorithm::Sha256)); }));
}

// The attacker's plan measures elsewhere, at locality 2; whoever has the TPM then extends PCR 12
// and 13 as this plan would have.
TEST(Verify, a_launch_by_a_plan_with_another_mirror_is_not_taken_for_one_without) {
    const ReferenceValues reference = SampleLaunch{}.predict();
    for (const uint32_t used : {20U, 22U}) {
        Evidence evidence = evidence_without_mirror();
        evidence.pcrs[hv::PcrIndex{used}] = hash(two_banks(), "what the evil launch has left");
        EXPECT_TRUE(has_line(lines_of(evidence, reference), "launch: mirror in PCR 21: expected"));
        evidence.pcrs.erase(hv::PcrIndex{used});
        EXPECT_TRUE(has_line(lines_of(evidence, reference), "launch: mirror in PCR 21: expected"));
    }
}

TEST(Verify, without_a_mirror_a_difference_is_still_named) {
    SampleLaunch launch;
    launch.modules[3] = "another initrd";
    Evidence evidence = evidence_of(launch.predict(false), two_banks());
    leave_locality_2_untouched(evidence);
    EXPECT_EQ(lines_of(evidence, SampleLaunch{}.predict()),
              (std::vector<std::string>{
                  "domain \"web\": initrd: /domains/0/initrd: expected sha256 " +
                  sha256_of("an initrd") + ", found sha256 " + sha256_of("another initrd")}));
}

}  // namespace
}  // namespace measure
