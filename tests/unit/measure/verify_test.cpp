// SPDX-License-Identifier: Apache-2.0
// The verifier against attackers: each changes the evidence in one way and must be named.
#include "measure/replay/verify.hpp"

#include "measure/replay/pcrs.hpp"
#include "measure/replay/report.hpp"
#include "measure/tcg/launch_events.hpp"
#include "tests/unit/measure/log_bytes.hpp"
#include "tests/unit/measure/sample_launch.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace measure {
namespace {

using Events = std::vector<ReferenceEvent>;

// Evidence of a machine that logged and extended these events.
struct Evidence {
    std::vector<std::byte> log;
    PcrValues pcrs;
};

Evidence evidence_of(const ReferenceValues& values, BankSet banks) {
    Evidence evidence{to_log(values, banks), {}};
    for (const ReferenceEvent& e : values.events) {
        if (e.type != EventType::EV_NO_ACTION) {
            extend_pcr(evidence.pcrs, e.pcr, e.digests.only(banks));
        }
    }
    return evidence;
}

std::vector<std::string> lines_of(const Evidence& evidence, const ReferenceValues& reference) {
    const auto log = RawLog::parse(evidence.log);
    EXPECT_TRUE(log.ok());
    std::vector<std::string> lines;
    for (const Difference& d : verify(log.value(), evidence.pcrs, reference).differences) {
        lines.push_back(to_line(d));
    }
    return lines;
}

BankSet two_banks() {
    BankSet banks = bank(Algorithm::Sha1);
    banks.add(Algorithm::Sha256);
    return banks;
}

// A machine that honestly logs and extends something else than the reference says.
std::vector<std::string> lines_after(const std::function<void(SampleLaunch&)>& change) {
    SampleLaunch launch;
    const ReferenceValues reference = launch.predict();
    change(launch);
    return lines_of(evidence_of(launch.predict(), two_banks()), reference);
}

// The same, by changing the events themselves.
std::vector<std::string> lines_after_events(const std::function<void(Events&)>& change) {
    ReferenceValues values = SampleLaunch{}.predict();
    const ReferenceValues reference = values;
    change(values.events);
    return lines_of(evidence_of(values, two_banks()), reference);
}

// A log that says something else than what was extended.
std::vector<std::string> lines_after_forging(const std::function<void(Events&)>& change) {
    ReferenceValues values = SampleLaunch{}.predict();
    Evidence evidence = evidence_of(values, two_banks());
    change(values.events);
    evidence.log = to_log(values, two_banks());
    return lines_of(evidence, SampleLaunch{}.predict());
}

std::string sha256_of(std::string_view text) {
    const DigestSet digests = hash(bank(Algorithm::Sha256), text);
    hv::TextOf<64> hex;
    hex.hex(digests.get(Algorithm::Sha256));
    return std::string{hex.view()};
}

ReferenceEvent& event(Events& events, Subject subject, size_t skip = 0) {
    for (ReferenceEvent& e : events) {
        if (e.subject == subject && skip-- == 0) {
            return e;
        }
    }
    throw std::runtime_error{"no such event"};
}

bool has_line(const std::vector<std::string>& lines, std::string_view start) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.starts_with(start); });
}

TEST(Verify, honest_evidence_matches_in_every_set_of_banks_with_sha2) {
    for (const bool mirror : {false, true}) {
        const ReferenceValues reference = SampleLaunch{}.predict(mirror);
        for (uint32_t bits = 2; bits < 16; ++bits) {
            EXPECT_EQ(lines_of(evidence_of(reference, BankSet{bits}), reference),
                      std::vector<std::string>{});
        }
    }
}

TEST(Verify, a_changed_initrd_is_named_with_its_domain_and_place) {
    EXPECT_EQ(lines_after([](SampleLaunch& l) { l.modules[3] = "another initrd"; }),
              (std::vector<std::string>{
                  "domain \"web\": initrd: /domains/0/initrd: expected sha256 " +
                  sha256_of("an initrd") + ", found sha256 " + sha256_of("another initrd")}));
}

TEST(Verify, a_changed_kernel_is_named_for_every_domain_that_uses_it) {
    const auto lines = lines_after([](SampleLaunch& l) { l.modules[2] = "another kernel"; });
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_TRUE(lines[0].starts_with("domain \"web\": kernel: /domains/0/kernel: expected sha256"));
    EXPECT_TRUE(lines[1].starts_with("domain \"db\": kernel: /domains/1/kernel: expected sha256"));
}

TEST(Verify, each_field_of_the_configuration_is_named) {
    struct Case {
        std::string start;
        std::function<void(launch::Domain&)> change;
    };
    const std::vector<Case> cases{
        {"domain \"db\": cmdline: /domains/1/cmdline: expected console=hvc0, found quiet",
         [](launch::Domain& d) { d.cmdline = "quiet"; }},
        {"domain \"db\": vcpus: /domains/1/vcpus: expected 1, found 2",
         [](launch::Domain& d) { d.vcpu_count = 2; }},
        {"domain \"db\": memory: /domains/1/memory: expected 268435456, found 4096",
         [](launch::Domain& d) { d.memory_bytes = 4096; }},
        {"domain \"db\": memory-max: /domains/1/memory: expected 268435456, found 536870912",
         [](launch::Domain& d) { d.max_memory_bytes = 512U << 20; }},
        {"domain \"db\": roles: /domains/1/roles: expected none, found control",
         [](launch::Domain& d) { d.roles.add(launch::Role::Control); }},
        {"domain \"db\": domain: /domains/1/name: expected db, found dx",
         [](launch::Domain& d) { d.name = "dx"; }},
        {"domain \"db\": cpuid-xsave: /domains/1/cpuid/xsave: expected 1, found 0",
         [](launch::Domain& d) { d.cpuid.xsave = false; }},
        {"domain \"db\": kernel: /domains/1/kernel: expected vmlinux sha256:",
         [](launch::Domain& d) { d.kernel.name = "other"; }},
    };
    for (const Case& c : cases) {
        const auto lines = lines_after([&](SampleLaunch& l) { c.change(l.graph.domains[1]); });
        EXPECT_TRUE(has_line(lines, c.start)) << c.start;
        EXPECT_FALSE(has_line(lines, "domain \"web\"")) << c.start;
    }
}

TEST(Verify, the_hypervisors_command_line_is_named) {
    EXPECT_TRUE(
        has_line(lines_after([](SampleLaunch& l) { l.graph.hypervisor_cmdline = "unsafe"; }),
                 "launch: cmdline: /hypervisor/cmdline: expected console=com1, found unsafe"));
}

TEST(Verify, the_measurement_policy_and_the_pcr_plan_are_named) {
    EXPECT_TRUE(has_line(
        lines_after([](SampleLaunch& l) { l.graph.measurement = launch::Measurement::Off; }),
        "launch: measurement: /measurement: expected required, found off"));
    EXPECT_TRUE(has_line(lines_after([](SampleLaunch& l) { l.graph.pcrs.text = hv::PcrIndex{11}; }),
                         "launch: pcr-text: /pcrs/text: expected 12, found 11"));
    EXPECT_TRUE(
        has_line(lines_after([](SampleLaunch& l) { l.graph.pcrs.blobs = hv::PcrIndex{14}; }),
                 "launch: pcr-blobs: /pcrs/blobs: expected 13, found 14"));
    EXPECT_TRUE(
        has_line(lines_after([](SampleLaunch& l) { l.graph.pcrs.mirror = hv::PcrIndex{20}; }),
                 "launch: pcr-mirror: /pcrs/mirror: expected 21, found 20"));
}

TEST(Verify, a_domain_that_is_not_in_the_manifest_has_no_path) {
    SampleLaunch launch;
    launch.graph.domains[1].path = {};
    const ReferenceValues reference = launch.predict();
    launch.graph.domains[1].cmdline = "x";
    launch.modules[2] = "another kernel";
    const auto lines = lines_of(evidence_of(launch.predict(), two_banks()), reference);
    EXPECT_TRUE(has_line(lines, "domain \"db\": cmdline: expected console=hvc0, found x"));
    EXPECT_TRUE(has_line(lines, "domain \"db\": kernel: expected sha256 "));
}

TEST(Verify, lcm_and_builder_are_named) {
    const auto lines = lines_after([](SampleLaunch& l) {
        l.modules[0] = "LCM";
        l.modules[1] = "B";
    });
    EXPECT_TRUE(has_line(lines, "launch: launch.lcm: expected sha256"));
    EXPECT_TRUE(has_line(lines, "launch: builder: expected sha256"));
}

TEST(Verify, an_added_domain_is_one_group_of_unexpected_events) {
    const auto lines = lines_after([](SampleLaunch& l) {
        launch::Domain spy = l.graph.domains[1];
        spy.name = "spy";
        (void)l.graph.domains.push(spy);
    });
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_TRUE(lines[0].find("calling itself domain spy") != std::string::npos) << lines[0];
}

TEST(Verify, a_missing_event_is_named) {  // T8, T13
    for (const Subject subject : {Subject::Kernel, Subject::Builder, Subject::Configuration}) {
        const auto lines = lines_after_events([&](Events& events) {
            const auto at = std::find_if(events.begin(), events.end(),
                                         [&](const auto& e) { return e.subject == subject; });
            events.erase(at, at + 2);  // with its mirror
        });
        ASSERT_EQ(lines.size(), 1U);
        EXPECT_NE(lines[0].find("no such event"), std::string::npos);
    }
}

TEST(Verify, an_empty_log_with_untouched_pcrs_differs) {  // T13
    ReferenceValues nothing = SampleLaunch{}.predict();
    nothing.events.clear();
    EXPECT_GE(lines_of(evidence_of(nothing, two_banks()), SampleLaunch{}.predict()).size(), 10U);
}

TEST(Verify, a_refused_domain_is_named_with_the_reason) {
    const auto lines = lines_after_events([](Events& events) {
        hv::TextOf<200> text;
        const auto bytes = refusal_text(text, "db", "initrd: expected digest differs");
        ReferenceEvent refusal;
        refusal.pcr = hv::PcrIndex{12};
        refusal.type = EventType::EV_IPL;
        refusal.digests = hash(all_banks, bytes);
        const auto data = std::as_bytes(std::span{bytes.data(), bytes.size()});
        refusal.data.assign(data.begin(), data.end());
        ReferenceEvent mirror = refusal;
        mirror.pcr = hv::PcrIndex{21};
        mirror.type = EventType::EV_EVENT_TAG;
        events.insert(events.end() - 3, {refusal, mirror});
    });
    EXPECT_EQ(lines, (std::vector<std::string>{"domain \"db\": refused: expected a domain that may "
                                               "run, found initrd: expected digest differs"}));
}

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
    EXPECT_FALSE(lines_after_events([](Events& events) {
                     events.push_back(event(events, Subject::Kernel));
                 }).empty());
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

TEST(Verify, a_mirror_that_disagrees_is_caught) {
    const auto changed = lines_after_events(
        [](Events& events) { event(events, Subject::Mirror, 3).digests = hash(all_banks, "x"); });
    EXPECT_TRUE(has_line(changed, "launch: mirror in PCR 21: expected sha256 "));
    const auto missing = lines_after_events([](Events& events) {
        std::erase_if(events, [](const auto& e) { return e.subject == Subject::Mirror; });
    });
    EXPECT_TRUE(has_line(missing,
                         "launch: mirror in PCR 21: expected every event again, or a PCR that was "
                         "never used, found 0"));
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

// Evidence of a launch on a machine without locality 2.
Evidence evidence_without_mirror() {
    Evidence evidence = evidence_of(SampleLaunch{}.predict(false), two_banks());
    evidence.pcrs[hv::PcrIndex{21}] = untouched(two_banks());
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
        verdict_to_text(verdict).find("\nmirror: absent (locality 2 was not usable; the mirror "
                                      "PCR is untouched)\nverdict: matches ("),
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

TEST(Verify, without_a_mirror_a_difference_is_still_named) {
    SampleLaunch launch;
    launch.modules[3] = "another initrd";
    Evidence evidence = evidence_of(launch.predict(false), two_banks());
    evidence.pcrs[hv::PcrIndex{21}] = untouched(two_banks());
    EXPECT_EQ(lines_of(evidence, SampleLaunch{}.predict()),
              (std::vector<std::string>{
                  "domain \"web\": initrd: /domains/0/initrd: expected sha256 " +
                  sha256_of("an initrd") + ", found sha256 " + sha256_of("another initrd")}));
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
        const std::string_view evil = "domain \x1b[31m\xff\r\n";
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

TEST(Verify, a_huge_log_is_judged_in_reasonable_time) {  // T29
    const auto lines = lines_after_events([](Events& events) {
        const ReferenceEvent kernel = event(events, Subject::Kernel);
        events.insert(events.end(), 2000, kernel);
    });
    EXPECT_GE(lines.size(), 2000U);
}

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
