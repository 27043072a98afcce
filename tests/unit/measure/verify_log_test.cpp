// SPDX-License-Identifier: Apache-2.0
// The verifier against attackers: each changes the log or the PCRs in one way and is caught.
#include "measure/replay/verify.hpp"
#include "tests/unit/measure/evidence.hpp"

namespace measure {
namespace {

TEST(Verify, a_type_swapped_to_one_that_is_ignored_is_caught) {  // T6
    for (const auto type : {EventType::EV_NO_ACTION, EventType::EV_ACTION, EventType{0x502}}) {
        const auto lines = lines_after_forging(
            [&](Events& events) { event(events, Subject::Kernel).type = type; });
        EXPECT_TRUE(has_line(lines,
                             "domain \"web\": kernel: /domains/0/kernel: expected EV_EVENT_TAG in "
                             "PCR 13, found "));
    }
}

TEST(Verify, an_event_in_another_pcr_is_caught) {
    EXPECT_TRUE(has_line(lines_after_events([](Events& events) {
                             event(events, Subject::Kernel).pcr = hv::PcrIndex{14};
                         }),
                         "domain \"web\": kernel: /domains/0/kernel: expected EV_EVENT_TAG in PCR "
                         "13, found EV_EVENT_TAG in PCR 14"));
}

TEST(Verify, a_hidden_event_and_a_forged_one_in_its_place_are_caught) {  // T6
    const auto lines = lines_after_forging([](Events& events) {
        ReferenceEvent forged = event(events, Subject::Kernel);
        event(events, Subject::Kernel).type = EventType::EV_NO_ACTION;
        events.push_back(forged);
    });
    EXPECT_TRUE(has_line(lines, "launch: PCR 13 sha256: expected "));
}

TEST(Verify, no_action_events_are_never_extended_and_never_overlooked) {  // T7
    const auto lines = lines_after_events([](Events& events) {
        ReferenceEvent note = event(events, Subject::Kernel);
        note.type = EventType::EV_NO_ACTION;
        events.insert(events.begin(), note);
    });
    ASSERT_FALSE(lines.empty());
    EXPECT_FALSE(has_line(lines, "launch: PCR"));  // it replays
    EXPECT_TRUE(has_line(lines, "launch: record 1: expected no such event"));
}

TEST(Verify, every_fault_of_the_separators_is_caught) {  // T8
    const auto error = hv::Le<uint32_t>{1};
    const auto error_bytes = std::as_bytes(std::span{&error, 1});
    const auto failed = lines_after_events([&](Events& events) {
        for (ReferenceEvent& e : events) {
            if (e.subject == Subject::Cap) {
                e.data.assign(error_bytes.begin(), error_bytes.end());
                e.digests = hash(all_banks, error_bytes);
            }
        }
    });
    EXPECT_TRUE(has_line(failed, "launch: separator: expected capped, found error"));
    EXPECT_FALSE(lines_after_events([](Events& events) { events.pop_back(); }).empty());
    EXPECT_FALSE(
        lines_after_events([](Events& events) { events.push_back(events.back()); }).empty());
    EXPECT_FALSE(lines_after_events([](Events& events) {
                     event(events, Subject::Cap).data.back() = std::byte{7};
                 }).empty());
    // After the cap.
    EXPECT_TRUE(
        has_line(lines_after_events(
                     [](Events& events) { events.push_back(event(events, Subject::Kernel)); }),
                 "launch: record 20: expected no such event, found EV_EVENT_TAG in PCR 13"));
    // Before what it should cap.
    EXPECT_FALSE(lines_after_events([](Events& events) {
                     std::swap(event(events, Subject::Cap), event(events, Subject::Kernel));
                 }).empty());
}

TEST(Verify, text_that_its_digest_does_not_cover_is_caught) {  // T9
    const auto lines = lines_after_events([](Events& events) {
        auto& data = event(events, Subject::Configuration).data;
        data[data.size() - 2] ^= std::byte{1};
    });
    EXPECT_TRUE(has_line(lines,
                         "domain \"web\": configuration: /domains/0: expected text that its "
                         "digests cover, found text that they do not cover"));
}

TEST(Verify, a_text_as_predicted_with_the_digest_of_another_one_is_named) {  // T9
    const auto lines = lines_after_events([](Events& events) {
        event(events, Subject::Configuration).digests = hash(all_banks, "another text");
    });
    EXPECT_TRUE(has_line(lines, "domain \"web\": configuration: /domains/0: expected sha256 "));
}

TEST(Verify, only_a_refusal_is_taken_for_one) {
    const auto lines_with = [](EventType type, std::string_view text) {
        return lines_after_events([&](Events& events) {
            ReferenceEvent e = event(events, Subject::Configuration);
            const auto bytes = std::as_bytes(std::span{text});
            e.type = type;
            e.data.assign(bytes.begin(), bytes.end());
            e.digests = hash(all_banks, text);
            events.insert(events.end() - 3, e);
        });
    };
    constexpr auto as_refusal = "domain \"db\": refused: ";
    constexpr auto as_record = "launch: record 17: expected no such event";
    EXPECT_TRUE(has_line(lines_with(EventType::EV_IPL, "refused db\nreason x\n"), as_refusal));
    for (const std::string_view text : {"refused db\n", "refused db\nreason x\nmore\n",
                                        "refused db\ncause x\n", "accepted db\nreason x\n", ""}) {
        EXPECT_TRUE(has_line(lines_with(EventType::EV_IPL, text), as_record)) << text;
    }
    EXPECT_TRUE(has_line(lines_with(EventType::EV_ACTION, "refused db\nreason x\n"), as_record));
}

TEST(Verify, a_hint_that_lies_is_caught) {  // T9
    const auto lines = lines_after_events([](Events& events) {
        auto& data = event(events, Subject::Kernel).data;
        data[30] ^= std::byte{1};
    });
    EXPECT_TRUE(has_line(lines, "domain \"web\": kernel label: /domains/0/kernel: expected "));
}

TEST(Verify, a_digest_changed_in_one_bank_only_is_caught) {  // T10
    for (const Algorithm a : {Algorithm::Sha1, Algorithm::Sha256}) {
        const auto lines = lines_after_forging([&](Events& events) {
            DigestSet& digests = event(events, Subject::Kernel).digests;
            digests.set(a, hash(all_banks, "x").get(a));
        });
        EXPECT_TRUE(has_line(lines, "launch: PCR 13 " + std::string{to_name(a)}));
    }
}

TEST(Verify, a_bank_that_nobody_extended_is_caught) {  // T11
    const ReferenceValues reference = SampleLaunch{}.predict();
    Evidence evidence = evidence_of(reference, bank(Algorithm::Sha256));
    for (auto& [pcr, value] : evidence.pcrs) {
        value.set(Algorithm::Sha384, std::vector<std::byte>(48));
    }
    const auto lines = lines_of(evidence, reference);
    EXPECT_TRUE(has_line(lines, "launch: PCR 12 sha384: expected no value by the log"));
}

TEST(Verify, a_bank_of_the_log_without_pcr_values_is_caught) {
    const ReferenceValues reference = SampleLaunch{}.predict();
    Evidence evidence = evidence_of(reference, two_banks());
    evidence.pcrs = evidence_of(reference, bank(Algorithm::Sha256)).pcrs;
    EXPECT_TRUE(has_line(lines_of(evidence, reference), "launch: PCR 12 sha1: expected "));
}

TEST(Verify, sha1_alone_proves_nothing) {  // T12
    const ReferenceValues reference = SampleLaunch{}.predict();
    EXPECT_EQ(lines_of(evidence_of(reference, bank(Algorithm::Sha1)), reference),
              (std::vector<std::string>{
                  "launch: banks: expected sha256, sha384 or sha512, found sha1 alone"}));
}

TEST(Verify, a_bank_that_was_not_predicted_cannot_match) {
    const ReferenceValues all = SampleLaunch{}.predict();
    ReferenceValues reference = all;
    reference.banks = bank(Algorithm::Sha256);
    for (ReferenceEvent& e : reference.events) {
        e.digests = e.digests.only(reference.banks);
    }
    for (auto& [pcr, value] : reference.pcrs) {
        value = value.only(reference.banks);
    }
    EXPECT_EQ(lines_of(evidence_of(all, bank(Algorithm::Sha256)), reference),
              std::vector<std::string>{});
    EXPECT_TRUE(has_line(lines_of(evidence_of(all, two_banks()), reference),
                         "launch: banks: expected predicted banks only, found sha1"));
}

TEST(Verify, reference_values_that_contradict_themselves_match_nothing) {
    ReferenceValues reference = SampleLaunch{}.predict();
    const Evidence evidence = evidence_of(reference, two_banks());
    reference.pcrs[hv::PcrIndex{12}] = reference.pcrs[hv::PcrIndex{13}];
    EXPECT_TRUE(has_line(lines_of(evidence, reference), "launch: PCR 12: expected sha256 "));
}

TEST(Verify, every_missing_separator_is_listed) {
    const auto lines = lines_after_events([](Events& events) {
        std::erase_if(events, [](const auto& e) { return e.subject == Subject::Cap; });
    });
    EXPECT_EQ(
        std::count_if(lines.begin(), lines.end(),
                      [](const std::string& l) { return l.starts_with("launch: separator: "); }),
        3);
}

TEST(Verify, an_extend_that_the_log_does_not_show_is_caught) {  // T34
    const ReferenceValues reference = SampleLaunch{}.predict();
    for (const uint32_t pcr : {12U, 13U, 21U}) {
        Evidence evidence = evidence_of(reference, two_banks());
        extend_pcr(evidence.pcrs, hv::PcrIndex{pcr}, hash(two_banks(), "foreign"));
        const auto lines = lines_of(evidence, reference);
        EXPECT_EQ(lines.size(), 2U);
        EXPECT_TRUE(has_line(lines, "launch: PCR " + std::to_string(pcr) + " sha256"));
    }
}

TEST(Verify, events_in_another_order_differ) {
    const auto lines = lines_after_events([](Events& events) {
        std::swap(event(events, Subject::Kernel), event(events, Subject::Builder));
    });
    EXPECT_FALSE(lines.empty());
}

TEST(Verify, no_change_of_one_byte_of_the_log_matches) {
    const ReferenceValues reference = SampleLaunch{}.predict();
    const Evidence evidence = evidence_of(reference, bank(Algorithm::Sha256));
    for (size_t at = 0; at < evidence.log.size(); ++at) {
        Evidence changed = evidence;
        changed.log[at] ^= std::byte{0x01};
        const auto log = RawLog::parse(changed.log);
        EXPECT_TRUE(!log.ok() || !verify(log.value(), changed.pcrs, reference).matches()) << at;
    }
}

TEST(Verify, messages_hold_printable_ascii_only) {  // T42
    const auto lines = lines_after_events([](Events& events) {
        auto& data = event(events, Subject::Configuration).data;
        const std::string_view evil = "domain \x1b[31m\x7f\xff\r\n";
        for (const char c : evil) {
            data.push_back(static_cast<std::byte>(c));
        }
    });
    EXPECT_FALSE(lines.empty());
    for (const std::string& line : lines) {
        EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) {
            return c >= 0x20 && c <= 0x7e;
        })) << line;
    }
}

// Neither many records nor many lines of a text take more than their share, and what is wrong
// besides them is still said.
TEST(Verify, a_huge_log_is_judged_in_reasonable_time) {  // T29
    const auto many_records = lines_after_events([](Events& events) {
        const ReferenceEvent kernel = event(events, Subject::Kernel);
        event(events, Subject::Initrd).digests = hash(all_banks, "another initrd");
        events.insert(events.begin(), 5'000, kernel);
    });
    EXPECT_EQ(many_records.size(), 1001U);
    EXPECT_TRUE(has_line(many_records, "domain \"web\": initrd: /domains/0/initrd: expected "));
    EXPECT_TRUE(has_line(many_records, "launch: further differences: expected none, found 4"));
    const auto many_lines = lines_after_events([](Events& events) {
        auto& data = event(events, Subject::Configuration).data;
        for (size_t i = 0; i < 20'000; ++i) {
            const std::string line = std::to_string(i) + "\n";
            const auto bytes = std::as_bytes(std::span{line});
            data.insert(data.end(), bytes.begin(), bytes.end());
        }
    });
    EXPECT_EQ(many_lines.size(), 1001U);
}

}  // namespace
}  // namespace measure
