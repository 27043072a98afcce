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

TEST_F(BootOutputTest, names_of_a_manifest_have_a_file_each) {
    output.on_bytes("a+b", "one");
    output.on_bytes("a_b", "two");
    EXPECT_EQ(std::filesystem::file_size(directory.path() / "console" / "a+b.log"), 3U);
    EXPECT_EQ(std::filesystem::file_size(directory.path() / "console" / "a_b.log"), 3U);
}

// On a terminal 40 wide the second row would begin with "hv        | ".
TEST_F(BootOutputTest, a_long_line_looks_like_nobody_elses) {
    std::ostringstream shown;
    BootOutput narrow =
        BootOutput::create(directory.path(), {.lines = &shown, .columns = 40}).take();
    narrow.on_line("guest", std::string(28, '.') + "hv        | all is well");
    narrow.on_line("guest", "\t\t\t....hv        | all is well");
    narrow.on_line("guest", "");
    const std::string expected =
        "guest     | ............................\n"
        "          + hv        | all is well\n";
    const std::string tabs =
        "guest     |                         ....\n"
        "          + hv        | all is well\n";
    EXPECT_EQ(shown.str(), expected + tabs + "guest     | \n");
}

TEST_F(BootOutputTest, a_last_line_is_not_the_verdict) {
    BootOutput narrow = BootOutput::create(directory.path(), {.columns = 60}).take();
    const std::string dots(60 - std::string_view{"last heard of: domain-5: "}.size(), '.');
    transcript.feed(
        "\x1e"
        "050002e" +
        dots + "machine: ok");
    transcript.finish();
    const auto outlets = Outlets::create(directory.path(), {}, {}).take();
    EXPECT_EQ(report_to_text({run, transcript, narrow, outlets}),
              "last heard of: domain-5: " + dots +
                  "\n                       + machine: ok\n"
                  "machine: no-verdict\n");
}

}  // namespace
}  // namespace images::test
