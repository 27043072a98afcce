// SPDX-License-Identifier: Apache-2.0
// What a boot's streams come to for the reader, with domains that write too much.
#include "images/qemu/boot_output.hpp"

#include "images/qemu/boot_report.hpp"
#include "images/qemu/temporary_directory.hpp"

#include <sstream>

#include <gtest/gtest.h>

namespace images::test {
namespace {

class BootOutputTest : public testing::Test {
  protected:
    std::string json() {
        const auto outlets = Outlets::create(directory.path(), {}, {}).take();
        return report_to_json({run, transcript, output, outlets});
    }

    TemporaryDirectory directory = TemporaryDirectory::create().take();
    BootOutput output = BootOutput::create(directory.path(), {}).take();
    Transcript transcript{output};
    MachineRun run{};
};

TEST_F(BootOutputTest, a_domain_full_of_marks_leaves_room_for_others) {
    for (size_t i = 0; i < BootOutput::max_marks + 5; ++i) {
        output.on_line("flood", "gantry-flood");
    }
    output.on_line("flood", "no mark");
    output.on_line("app", "gantry-ready");
    ASSERT_EQ(output.marks().size(), BootOutput::max_marks + 1);
    EXPECT_EQ(output.marks().back().stream, "app");
    EXPECT_EQ(output.marks().back().line, "gantry-ready");
    EXPECT_EQ(output.dropped_marks(), (std::map<std::string, size_t>{{"flood", 5}}));
    EXPECT_NE(json().find(R"("dropped_marks": [
    {
      "stream": "flood",
      "count": 5
    }
  ])"),
              std::string::npos);
}

TEST_F(BootOutputTest, long_marks_are_fewer) {
    const std::string longest = "gantry-" + std::string(LineSplitter::max_line_bytes - 7, 'x');
    constexpr size_t most = BootOutput::max_mark_bytes / LineSplitter::max_line_bytes;
    for (size_t i = 0; i < most + 1; ++i) {
        output.on_line("flood", longest);
        output.on_line("other", longest);
    }
    EXPECT_EQ(output.marks().size(), 2 * most);
    EXPECT_EQ(output.dropped_marks(), (std::map<std::string, size_t>{{"flood", 1}, {"other", 1}}));
}

}  // namespace
}  // namespace images::test
