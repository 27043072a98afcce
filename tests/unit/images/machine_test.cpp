// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/boot_output.hpp"
#include "images/qemu/boot_set.hpp"
#include "images/qemu/qemu_command.hpp"
#include "images/qemu/temporary_directory.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

using images::BootSet;
using images::MachineOptions;

// The argument after `option`, or nothing.
std::string value_of(const std::vector<std::string>& command, const std::string& option) {
    const auto found = std::find(command.begin(), command.end(), option);
    return found == command.end() || found + 1 == command.end() ? "" : *(found + 1);
}

bool has(const std::vector<std::string>& command, const std::string& argument) {
    return std::find(command.begin(), command.end(), argument) != command.end();
}

TEST(QemuCommand, machine_options_arrive) {
    MachineOptions options;
    options.cpus = 3;
    options.memory_mib = 2048;
    options.gdb_port = uint16_t{1234};
    options.extra_arguments = {"-d", "int"};
    const BootSet set{.hypervisor = "/x/hv", .cmdline = "a b,c", .modules = {"/x/0", "/x/1"}};
    const auto command = images::qemu_command(options, set);
    EXPECT_EQ(command.front(), "qemu-system-x86_64");
    EXPECT_EQ(value_of(command, "-smp"), "4") << "the first runs no domain";
    EXPECT_EQ(value_of(command, "-m"), "2048");
    EXPECT_EQ(value_of(command, "-append"), "a b,c");
    EXPECT_EQ(value_of(command, "-initrd"), "module-0,module-1");
    EXPECT_EQ(value_of(command, "-gdb"), "tcp:127.0.0.1:1234");
    EXPECT_TRUE(has(command, "-S"));
    EXPECT_EQ(command.back(), "int");
}

TEST(QemuCommand, without_a_tpm_there_is_no_trace_of_one) {
    MachineOptions options;
    options.tpm = images::TpmKind::None;
    const auto command = images::qemu_command(options, BootSet{});
    for (const std::string& argument : command) {
        EXPECT_EQ(argument.find("tpm"), std::string::npos) << argument;
    }
    EXPECT_FALSE(has(command, "-initrd"));
}

TEST(QemuCommand, a_comma_in_the_name_of_a_socket_is_escaped) {
    MachineOptions options;
    options.tpm_socket = "/tmp/a,b";
    const auto command = images::qemu_command(options, BootSet{});
    EXPECT_EQ(value_of(command, "-chardev"), "socket,id=chrtpm,path=/tmp/a,,b");
}

TEST(SafeFileName, no_name_leaves_the_directory) {
    EXPECT_EQ(images::safe_file_name("web-1.a_B"), "web-1.a_B");
    EXPECT_EQ(images::safe_file_name("../../etc/passwd"), "_._.._etc_passwd");
    EXPECT_EQ(images::safe_file_name(".."), "_.");
    EXPECT_EQ(images::safe_file_name(""), "_");
    EXPECT_EQ(images::safe_file_name(std::string(1000, 'x')).size(), 100U);
}

class BootSetFile : public testing::Test {
  protected:
    // Reads a boot.json with this text; the files "hv" and "lcm" are beside it.
    images::Outcome<BootSet> read(const std::string& text) {
        for (const char* name : {"hv", "lcm"}) {
            std::ofstream{directory_.path() / name} << name;
        }
        std::ofstream{directory_.path() / "boot.json"} << text;
        return images::read_boot_set(directory_.path());
    }
    images::TemporaryDirectory directory_ = images::TemporaryDirectory::create().take();
};

TEST_F(BootSetFile, paths_become_absolute) {
    auto set = read(R"({"hypervisor": "hv", "cmdline": "x", "modules": ["lcm"]})");
    ASSERT_TRUE(set.ok()) << set.error().message;
    EXPECT_EQ(set.value().hypervisor, directory_.path() / "hv");
    EXPECT_EQ(set.value().modules, (std::vector{directory_.path() / "lcm"}));
    EXPECT_EQ(set.value().cmdline, "x");
}

TEST_F(BootSetFile, everything_else_is_refused) {
    for (const char* text : {"", "[]", "{", R"({"hypervisor": "hv", "cmdline": "x"})",
                             R"({"hypervisor": 1, "cmdline": "x", "modules": []})",
                             R"({"hypervisor": "hv", "cmdline": "x", "modules": [1]})",
                             R"({"hypervisor": "hv", "cmdline": "x", "modules": ["absent"]})",
                             R"({"hypervisor": "absent", "cmdline": "x", "modules": []})"}) {
        EXPECT_FALSE(read(text).ok()) << text;
    }
}

TEST(TemporaryDirectory, is_removed_with_what_is_in_it) {
    std::filesystem::path path;
    {
        const auto directory = images::TemporaryDirectory::create().take();
        path = directory.path();
        std::filesystem::create_directory(path / "inner");
        std::ofstream{path / "inner" / "file"} << "x";
    }
    EXPECT_FALSE(path.empty());
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
