// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/predict.hpp"

#include "launch-config/binding/canonical.hpp"
#include "measure/replay/pcrs.hpp"
#include "measure/replay/replay.hpp"
#include "measure/tcg/launch_events.hpp"
#include "tests/unit/measure/log_bytes.hpp"
#include "tests/unit/measure/sample_launch.hpp"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

namespace measure {
namespace {

std::vector<std::string> outline(const ReferenceValues& values) {
    std::vector<std::string> lines;
    for (const ReferenceEvent& e : values.events) {
        lines.push_back(std::to_string(e.pcr.value()) + " " + std::string{to_string(e.subject)} +
                        (e.domain.empty() ? "" : " " + e.domain));
    }
    return lines;
}

TEST(Predict, lists_the_events_in_the_order_of_the_launch) {
    EXPECT_EQ(outline(SampleLaunch{}.predict(false)),
              (std::vector<std::string>{"12 hypervisor", "13 launch.lcm", "13 builder",
                                        "12 configuration web", "13 kernel web", "13 initrd web",
                                        "12 configuration db", "13 kernel db", "12 separator",
                                        "13 separator"}));
}

TEST(Predict, every_event_but_the_separators_is_followed_by_its_mirror) {
    const ReferenceValues plain = SampleLaunch{}.predict(false);
    const ReferenceValues values = SampleLaunch{}.predict(true);
    EXPECT_EQ(values.events.size(), 2 * (plain.events.size() - 2) + 3);
    for (size_t i = 0; i + 3 < values.events.size(); i += 2) {
        EXPECT_EQ(values.events[i + 1].subject, Subject::Mirror);
        EXPECT_EQ(values.events[i + 1].pcr, hv::PcrIndex{21});
        EXPECT_EQ(values.events[i + 1].digests, values.events[i].digests);
        TagBuffer tag;
        const auto data = mirror_tag(tag, values.events[i].index);
        EXPECT_TRUE(std::equal(data.begin(), data.end(), values.events[i + 1].data.begin(),
                               values.events[i + 1].data.end()));
    }
}

TEST(Predict, leaving_out_the_mirror_gives_what_a_launch_without_locality_2_logs) {
    EXPECT_EQ(to_json(without_mirror(SampleLaunch{}.predict())),
              to_json(SampleLaunch{}.predict(false)));
}

TEST(Predict, the_predicted_log_replays_to_the_predicted_pcrs_in_every_set_of_banks) {
    for (const bool mirror : {false, true}) {
        const ReferenceValues values = SampleLaunch{}.predict(mirror);
        for (uint32_t bits = 1; bits < 16; ++bits) {
            const BankSet banks{bits};
            const auto log = RawLog::parse(to_log(values, banks));
            ASSERT_TRUE(log.ok());
            EXPECT_EQ(log.value().banks(), banks);
            const PcrValues totals = log.value().totals();
            ASSERT_EQ(totals.size(), mirror ? 3U : 2U);
            for (const auto& [pcr, total] : totals) {
                EXPECT_EQ(total, values.pcrs.at(pcr).only(banks));
            }
        }
    }
}

// Does by hand what hv and domB do: two programs, one log.
TEST(Predict, the_recorder_writes_the_predicted_bytes) {
    const SampleLaunch launch;
    const BankSet banks = bank(Algorithm::Sha256);
    std::vector<std::byte> area(65536);
    std::vector<char> buffer(launch::max_domain_text_bytes);

    LogWriter hv_log{area};
    ASSERT_TRUE(hv_log.start(banks).ok());
    LogSink hv_sink{hv_log};
    LogSizer sizer{banks};
    const EventPlan plan{.pcrs = launch.graph.pcrs, .banks = banks, .mirror = true};
    const auto hv_part = [&](auto& recorder) {
        hv::Text text{buffer};
        launch::write_hypervisor_text(launch.graph, "console=com1", launch::Root::None, text);
        ASSERT_TRUE(recorder.hypervisor_text(text.view()).ok());
        ASSERT_TRUE(
            recorder.blob(lcm_hint(launch.modules[0].size()), hash(banks, launch.modules[0])).ok());
        ASSERT_TRUE(recorder
                        .blob(builder_hint(launch.graph.builder, launch.modules[1].size()),
                              hash(banks, launch.modules[1]))
                        .ok());
    };
    const auto domb_part = [&](auto& recorder) {
        for (const launch::Domain& domain : launch.graph.domains) {
            const auto& kernel = launch.modules[domain.kernel.module_index];
            launch::ArtifactDigests digests;
            const auto sha256 = [](const std::string& bytes) {
                launch::Sha256 value{};
                const DigestSet set = hash(bank(Algorithm::Sha256), bytes);
                std::copy_n(set.get(Algorithm::Sha256).begin(), 32, value.begin());
                return value;
            };
            digests.kernel = sha256(kernel);
            if (domain.initrd) {
                digests.initrd = sha256(launch.modules[domain.initrd->module_index]);
            }
            hv::Text text{buffer};
            launch::write_domain_text(domain, digests, text);
            ASSERT_TRUE(recorder.domain_text(text.view()).ok());
            ASSERT_TRUE(
                recorder
                    .blob(domain_hint(BlobKind::Kernel, domain, domain.kernel, kernel.size()),
                          hash(banks, kernel))
                    .ok());
            if (domain.initrd) {
                const auto& initrd = launch.modules[domain.initrd->module_index];
                ASSERT_TRUE(
                    recorder
                        .blob(domain_hint(BlobKind::Initrd, domain, *domain.initrd, initrd.size()),
                              hash(banks, initrd))
                        .ok());
            }
        }
        ASSERT_TRUE(recorder.separator(Separator::Capped).ok());
    };
    LaunchRecorder hv_recorder{hv_sink, plan};
    hv_part(hv_recorder);

    const LogExtent extent = log_extent(area);
    LogWriter domb_log{area, extent.bytes};
    LogSink domb_sink{domb_log};
    EventPlan domb_plan = plan;
    domb_plan.next_record = extent.records;
    LaunchRecorder domb_recorder{domb_sink, domb_plan};
    domb_part(domb_recorder);

    const std::vector<std::byte> predicted = to_log(launch.predict(), banks);
    EXPECT_TRUE(std::equal(domb_log.bytes().begin(), domb_log.bytes().end(), predicted.begin(),
                           predicted.end()));

    LaunchRecorder measuring{sizer, plan};
    hv_part(measuring);
    domb_part(measuring);
    EXPECT_EQ(sizer.bytes(), predicted.size() + log_spare_bytes);
}

TEST(Predict, json_gives_back_the_same_values) {
    const ReferenceValues values = SampleLaunch{}.predict();
    const std::string json = to_json(values);
    const auto back = reference_from_json(json);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(to_json(back.value()), json);
    EXPECT_EQ(to_log(back.value(), all_banks), to_log(values, all_banks));
    EXPECT_EQ(back.value().pcrs, values.pcrs);
}

TEST(Predict, reference_values_with_a_mistake_are_refused) {
    const std::string json = to_json(SampleLaunch{}.predict());
    const auto refused_after = [&](std::string_view from, std::string_view to) {
        std::string changed = json;
        const size_t at = changed.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        changed.replace(at, from.size(), to);
        EXPECT_FALSE(reference_from_json(changed).ok()) << from;
    };
    refused_after("gantry-reference-1", "gantry-reference-9");
    refused_after("\"pcr\": 12", "\"pcr\": 24");
    refused_after("\"sha1\"", "\"sha3\"");
    refused_after("\"sha1\": \"", "\"sha1\": \"00");
    refused_after("\"subject\": \"hypervisor\"", "\"subject\": \"other\"");
    refused_after("\"events\"", "\"evnets\"");
    refused_after("\"data\": \"", "\"data\": \"x");
    refused_after("{", "[");
    refused_after("\"pcr\": 12", "\"pcr\": 4294967308");
    refused_after("\"pcr\": 12", "\"pcr\": 12.5");
    refused_after("\"pcr\": 12", "\"pcr\": -1");
    EXPECT_FALSE(reference_from_json("").ok());
}

// Each would let something match that was never demanded.
TEST(Predict, reference_values_that_demand_too_little_are_refused) {
    const auto error_after = [](const std::function<void(ReferenceValues&)>& change) {
        ReferenceValues values = SampleLaunch{}.predict(false);
        change(values);
        const auto back = reference_from_json(to_json(values));
        return back.ok() ? std::string{} : back.error();
    };
    const auto recount = [](ReferenceValues& values) {
        values.pcrs.clear();
        for (const ReferenceEvent& e : values.events) {
            extend_pcr(values.pcrs, e.pcr, e.digests);
        }
    };
    EXPECT_EQ(error_after([](ReferenceValues&) {}), "");
    EXPECT_EQ(error_after([](ReferenceValues& v) {
                  v.events.clear();
                  v.pcrs.clear();
                  v.domains.clear();
              }),
              "not reference values: PCR 12 is not capped");
    for (const Subject subject : {Subject::Configuration, Subject::Kernel}) {
        EXPECT_EQ(error_after([&](ReferenceValues& v) {
                      std::erase_if(v.events, [&](const ReferenceEvent& e) {
                          return e.subject == subject && e.domain == "db";
                      });
                      recount(v);
                  }),
                  "not reference values: no configuration or no kernel of domain db");
    }
    EXPECT_EQ(error_after([&](ReferenceValues& v) {
                  v.events.pop_back();
                  recount(v);
              }),
              "not reference values: PCR 13 is not capped");
    EXPECT_EQ(error_after([&](ReferenceValues& v) {
                  v.events.back().data.front() = std::byte{1};  // the error separator
                  recount(v);
              }),
              "not reference values: PCR 13 is not capped");
    EXPECT_EQ(error_after([](ReferenceValues& v) { v.events.back().type = EventType::EV_ACTION; }),
              "not reference values: PCR 13 is not capped");
    EXPECT_EQ(error_after([](ReferenceValues& v) { v.mirror = true; }),
              "not reference values: PCR 21 is not capped");
    EXPECT_EQ(error_after([](ReferenceValues& v) { v.pcrs.erase(hv::PcrIndex{13}); }),
              "not reference values: the PCRs are not what the events add up to");
    EXPECT_EQ(error_after([](ReferenceValues& v) {
                  v.pcrs[hv::PcrIndex{13}] = v.pcrs[hv::PcrIndex{13}].only(bank(Algorithm::Sha1));
              }),
              "not reference values: the PCRs are not what the events add up to");
}

TEST(Predict, a_pcr_with_two_values_is_refused) {
    std::string json = to_json(SampleLaunch{}.predict());
    const size_t at = json.rfind("\"pcr\": 21");
    json.replace(at, 9, "\"pcr\": 12");
    const auto back = reference_from_json(json);
    ASSERT_FALSE(back.ok());
    EXPECT_EQ(back.error(), "not reference values: PCR 12 stands there twice");
}

TEST(Hints, strange_names_stay_json_of_printable_ascii) {
    TagBuffer buffer;
    const std::string name(300, '"');
    const auto data = blob_tag(buffer, {.kind = BlobKind::Kernel,
                                        .domain = "a\nb",
                                        .name = name,
                                        .source = name,
                                        .size_bytes = UINT64_MAX});
    ASSERT_GE(data.size(), 8U);
    std::string text;
    for (const std::byte b : data.subspan(8)) {
        EXPECT_TRUE(b >= std::byte{0x20} && b <= std::byte{0x7e});
        text += static_cast<char>(b);
    }
    EXPECT_TRUE(text.starts_with(R"({"blob":"kernel","domain":"a\u000ab","name":"\u0022)")) << text;
    EXPECT_TRUE(text.ends_with(R"(,"size":18446744073709551615})")) << text;
}

TEST(Hints, backslashes_and_control_characters_are_escaped) {
    TagBuffer buffer;
    const auto data = blob_tag(buffer, {.kind = BlobKind::Lcm, .name = "a\\b\x7f"});
    const std::string text{reinterpret_cast<const char*>(data.data()) + 8, data.size() - 8};
    EXPECT_EQ(text, R"({"blob":"lcm","name":"a\u005cb\u007f","size":0})");
    hv::TextOf<200> refusal;
    EXPECT_EQ(refusal_text(refusal, "a\\b\n", "\x1f\x7f"),
              "refused a\\x5cb\\x0a\nreason \\x1f\\x7f\n");
}

}  // namespace
}  // namespace measure
