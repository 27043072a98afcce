// SPDX-License-Identifier: Apache-2.0
// The verifier against machines that ran something else: each item is named.
#include "measure/replay/verify.hpp"

#include "measure/tcg/launch_events.hpp"
#include "tests/unit/measure/evidence.hpp"

namespace measure {
namespace {

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
        {"domain \"db\": start-unmeasured: expected nothing, found 1",
         [](launch::Domain& d) { d.start_unmeasured = true; }},
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

}  // namespace
}  // namespace measure
