// SPDX-License-Identifier: Apache-2.0
// The driver and the prediction against a real TPM implementation.
#include "tests/fake/swtpm.hpp"

#include "measure/replay/replay.hpp"
#include "measure/tpm/measured_log.hpp"
#include "tests/unit/measure/sample_launch.hpp"

#include <gtest/gtest.h>

namespace measure {
namespace {

using Driver = Tpm<fake::FakeMmio, fake::FakeClock>;

// A swtpm behind TIS registers.
struct Bench {
    explicit Bench(const std::string& banks) : swtpm{banks}, tis{swtpm.back_end()} {}
    Driver driver() { return Driver{fake::FakeMmio{&tis}, fake::FakeClock{&now}}; }

    uint64_t now = 0;
    fake::Swtpm swtpm;
    fake::FakeTis tis;
};

// Logs and extends the predicted events, as a launch does.
std::vector<std::byte> launch_on(Driver& driver, const ReferenceValues& values) {
    std::vector<std::byte> area(65536);
    LogWriter log{area};
    EXPECT_TRUE(log.start(driver.banks()).ok());
    MeasuredLog sink{log, driver};
    for (const ReferenceEvent& e : values.events) {
        const DigestSet digests = e.digests.only(driver.banks());
        EXPECT_TRUE(sink.record({e.pcr, e.type, digests, e.data}).ok()) << e.index;
    }
    area.resize(log.used());
    return area;
}

TEST(Swtpm, holds_the_predicted_values_in_every_active_bank) {
    for (const std::string banks : {"sha256", "sha1,sha256,sha384", "sha1,sha256,sha384,sha512"}) {
        Bench bench{banks};
        Driver driver = bench.driver();
        ASSERT_TRUE(driver.open().ok());
        EXPECT_EQ(driver.locality(), 2U);
        EXPECT_EQ(driver.banks().count(),
                  1U + static_cast<size_t>(std::count(banks.begin(), banks.end(), ',')));
        ASSERT_TRUE(driver.reset(hv::PcrIndex{21}).ok());

        const ReferenceValues values = SampleLaunch{}.predict();
        const auto log = RawLog::parse(launch_on(driver, values));
        ASSERT_TRUE(log.ok());
        PcrValues held;
        for (const auto& [pcr, expected] : values.pcrs) {
            const auto value = driver.read(pcr);
            ASSERT_TRUE(value.ok());
            EXPECT_EQ(value.value(), expected.only(driver.banks())) << banks << pcr.value();
            held[pcr] = value.value();
        }
        EXPECT_TRUE(std::holds_alternative<ReplayedLog>(replay(log.value(), held)));
        driver.relinquish();
        EXPECT_TRUE(bench.tis.is_idle());
        EXPECT_EQ(bench.tis.misuses(), 0);
    }
}

TEST(Swtpm, keeps_the_mirror_pcr_from_everyone_below_locality_2) {
    Bench bench{"sha256"};
    Driver driver = bench.driver();
    ASSERT_TRUE(driver.open_at(0).ok());
    const auto reset = driver.reset(hv::PcrIndex{21});
    ASSERT_FALSE(reset.ok());
    EXPECT_EQ(reset.error().code, 0x907U);  // TPM_RC_LOCALITY
    EXPECT_FALSE(driver.extend(hv::PcrIndex{21}, hash(driver.banks(), "x")).ok());
    EXPECT_TRUE(driver.extend(hv::PcrIndex{12}, hash(driver.banks(), "x")).ok());
    // Untouched: all ones since start-up.
    const auto value = driver.read(hv::PcrIndex{21});
    ASSERT_TRUE(value.ok());
    for (const std::byte b : value.value().get(Algorithm::Sha256)) {
        EXPECT_EQ(b, std::byte{0xff});
    }
}

}  // namespace
}  // namespace measure
