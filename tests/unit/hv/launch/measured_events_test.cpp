// SPDX-License-Identifier: Apache-2.0
// What hv measures of itself, with a TPM that works: command line, LCM and domB, and where.
#include "hv/launch/launch.hpp"
#include "hv/mm/direct_map.hpp"
#include "measure/tcg/log_reader.hpp"
#include "tests/unit/hv/launch/launch_machine.hpp"

#include <algorithm>

namespace {

using hv::hyperlaunch::cap_with_error;
using hv::hyperlaunch::measurement;
using hv::hyperlaunch::start_measurement;

// The digests of hv's own events, in the order of measure/README.md, are of what is there.
TEST(Measured, command_line_lcm_and_domb_are_measured) {
    alone([] {
        LaunchMachine m;
        m.make_plan(launch::Measurement::Required);
        m.plan.graph.hypervisor_cmdline = "of the manifest";
        m.plan.effective_cmdline = "of the loader";
        std::vector<std::byte> lcm(100, std::byte{7});
        m.plan.lcm = lcm;
        start_measurement(m.boot, m.plan);
        auto opened = measure::LogReader::open(measurement().log.first(measurement().log_used));
        ASSERT_TRUE(opened.ok());
        measure::LogReader reader = opened.take();
        std::vector<measure::LogRecord> records;
        while (!reader.at_end()) {
            records.push_back(reader.next().take());
        }
        ASSERT_EQ(records.size(), 6U) << "each with its mirror";
        std::string text;
        for (const std::byte b : records[0].data) {
            text += static_cast<char>(b);
        }
        EXPECT_NE(text.find("\ncmdline of the loader\n"), std::string::npos) << text;
        const auto banks = LaunchMachine::banks();
        EXPECT_EQ(records[0].digests, measure::hash(banks, text));
        EXPECT_EQ(records[2].digests, measure::hash(banks, lcm));
        EXPECT_EQ(records[4].digests, measure::hash(banks, std::string_view{"the image of domB"}));
        measure::DigestSet blobs =
            measure::extend(fake::FakeTpm{banks}.pcr(13), records[2].digests);
        blobs = measure::extend(blobs, records[4].digests);
        EXPECT_EQ(m.tpm.pcr(13), blobs);
    });
}

TEST(Measured, tpm_without_locality_2_gets_no_mirrors) {
    alone([] {
        LaunchMachine m;
        m.make_plan(launch::Measurement::Required);
        m.tpm.knows_locality_2 = false;
        const measure::DigestSet untouched = m.tpm.pcr(21);
        start_measurement(m.boot, m.plan);
        EXPECT_TRUE(measurement().is_active);
        EXPECT_TRUE(m.says("event=measured-hv locality=0"));
        EXPECT_EQ(m.tpm.pcr(21), untouched);
        EXPECT_EQ(measure::log_extent(measurement().log).records, 1U + 3U);
        EXPECT_TRUE(cap_with_error(m.plan));
        EXPECT_EQ(m.tpm.pcr(21), untouched);
    });
}

// Whoever can still write to the loader's memory is too late.
TEST(Measured, what_is_measured_of_domb_is_what_runs) {
    alone([] {
        LaunchMachine m;
        m.make_plan(launch::Measurement::Required);
        start_measurement(m.boot, m.plan);
        const hv::boot::PhysicalRange& module = m.boot.info.modules[1];
        std::fill_n(hv::mm::direct_map(module.first), module.bytes, std::byte{0xcc});
        const auto image = measurement().builder_image;
        EXPECT_EQ(measure::hash(LaunchMachine::banks(), image),
                  measure::hash(LaunchMachine::banks(), std::string_view{"the image of domB"}));
    });
}

}  // namespace
