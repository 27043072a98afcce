// SPDX-License-Identifier: Apache-2.0
// tpm2_eventlog, an implementation that is not ours, reads our logs without a warning and adds them
// up to the same PCR values.
#include "measure/replay/hex.hpp"
#include "measure/replay/predict.hpp"
#include "tests/unit/measure/log_bytes.hpp"
#include "tests/unit/measure/sample_launch.hpp"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace measure {
namespace {

// A file that is gone afterwards.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::span<const std::byte> bytes)
        : path_{std::filesystem::temp_directory_path() /
                ("gantry-log-" + std::to_string(getpid()))} {
        std::ofstream file{path_, std::ios::binary};
        for (const std::byte b : bytes) {
            file.put(static_cast<char>(b));
        }
    }
    ~TemporaryFile() { std::filesystem::remove(path_); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    [[nodiscard]] std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

struct Output {
    int status = -1;
    std::string text;  // of stdout and stderr
};

Output tpm2_eventlog(std::span<const std::byte> log) {
    const TemporaryFile file{log};
    const std::string command = "tpm2_eventlog " + file.path() + " 2>&1";
    Output output;
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) {
        return output;
    }
    std::array<char, 4096> buffer{};
    while (const size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) {
        output.text.append(buffer.data(), n);
    }
    output.status = pclose(pipe);
    return output;
}

// The summary at the end, in the tool's own form.
std::string summary_of(const PcrValues& pcrs, BankSet banks) {
    std::string text = "pcrs:\n";
    for (const Algorithm a : all_algorithms) {
        if (!banks.has(a)) {
            continue;
        }
        text += "  " + std::string{to_name(a)} + ":\n";
        for (const auto& [pcr, value] : pcrs) {
            const std::string number = std::to_string(pcr.value());
            text += "    " + number + std::string(3 - number.size(), ' ') + ": 0x" +
                    to_hex(value.get(a)) + "\n";
        }
    }
    return text;
}

TEST(Tpm2Eventlog, agrees_with_the_predicted_log_in_every_set_of_banks) {
    for (const bool mirror : {false, true}) {
        const ReferenceValues values = SampleLaunch{}.predict(mirror);
        for (uint32_t bits = 1; bits < 16; ++bits) {
            const BankSet banks{bits};
            const Output output = tpm2_eventlog(to_log(values, banks));
            EXPECT_EQ(output.status, 0);
            EXPECT_EQ(output.text.find("WARN"), std::string::npos) << output.text;
            EXPECT_EQ(output.text.find("ERROR"), std::string::npos) << output.text;
            EXPECT_EQ(output.text.substr(output.text.find("pcrs:")),
                      summary_of(values.pcrs, banks));
        }
    }
}

// The tool checks that the digest of an EV_IPL in PCR 12 is that of its text: a changed one shows
// that the warning we look for above exists.
TEST(Tpm2Eventlog, warns_about_text_that_its_digest_does_not_cover) {
    ReferenceValues values = SampleLaunch{}.predict();
    values.events[0].data[3] ^= std::byte{1};
    EXPECT_NE(tpm2_eventlog(to_log(values, bank(Algorithm::Sha256))).text.find("WARN"),
              std::string::npos);
}

}  // namespace
}  // namespace measure
