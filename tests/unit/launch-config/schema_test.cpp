// SPDX-License-Identifier: Apache-2.0
// The published JSON Schema and the tool's own checks must agree: what the tool takes, the schema
// takes, and what the tool refuses for its form, the schema refuses.
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Adapter = valijson::adapters::NlohmannJsonAdapter;

const fs::path source = GANTRY_SOURCE_DIR;

Json read(const fs::path& file) {
    std::ifstream stream{file};
    return Json::parse(stream, nullptr, false);
}

class Schema : public testing::Test {
  protected:
    void SetUp() override {
        const Json json = read(source / "launch-config/schema/launch.schema.json");
        ASSERT_FALSE(json.is_discarded());
        valijson::SchemaParser{}.populateSchema(Adapter{json}, schema_);
    }
    bool accepts(const Json& manifest) const {
        return valijson::Validator{}.validate(schema_, Adapter{manifest}, nullptr);
    }
    valijson::Schema schema_;
};

TEST_F(Schema, accepts_the_good_manifests_and_the_examples) {
    size_t count = 0;
    for (const char* folder : {"tests/corpus/manifest/good", "examples"}) {
        for (const auto& entry : fs::recursive_directory_iterator{source / folder}) {
            if (entry.path().extension() == ".json") {
                EXPECT_TRUE(accepts(read(entry.path()))) << entry.path();
                ++count;
            }
        }
    }
    EXPECT_GE(count, 5U);
}

TEST_F(Schema, refuses_what_the_tool_refuses_for_its_form) {
    // What a schema cannot say: files, uniqueness between domains, arithmetic, duplicate keys.
    const std::set<std::string> beyond_a_schema{"after_cycle",
                                                "after_itself",
                                                "after_of_console",
                                                "after_of_launcher",
                                                "after_of_recovery",
                                                "after_of_xenstore",
                                                "after_recovery",
                                                "after_unknown",
                                                "cmdline_nul",
                                                "connected_cycle",
                                                "disk_after_cycle",
                                                "policy_of_launcher",
                                                "policy_of_recovery",
                                                "policy_without_recovery",
                                                "pv_role_recovery",
                                                "ready_of_console_holder",
                                                "ready_of_launcher",
                                                "ready_of_recovery",
                                                "ready_serves_nobody",
                                                "ready_timeout_long",
                                                "ready_timeout_zero",
                                                "ready_with_own_xenstore",
                                                "ready_without_devices",
                                                "ready_without_xenstore",
                                                "recovery_and_launcher",
                                                "recovery_is_backend",
                                                "recovery_repeated",
                                                "channel_backend_itself",
                                                "channel_backend_other",
                                                "channel_backend_unknown",
                                                "channel_name_repeated",
                                                "channel_of_console_holder",
                                                "devices_without_xenstore",
                                                "devices_with_own_xenstore",
                                                "disk_backend_busy",
                                                "disk_backend_cycle",
                                                "disk_backend_itself",
                                                "disk_backend_unknown",
                                                "disk_vdev_repeated",
                                                "net_backend_itself",
                                                "net_backend_unknown",
                                                "net_mac_repeated",
                                                "domid_repeated",
                                                "initrd_digest_differs",
                                                "initrd_file_missing",
                                                "kernel_arm",
                                                "kernel_damaged",
                                                "kernel_digest_differs",
                                                "kernel_empty",
                                                "kernel_entry_outside",
                                                "kernel_file_missing",
                                                "kernel_is_directory",
                                                "kernel_lzo",
                                                "kernel_no_note",
                                                "kernel_not_elf",
                                                "kernel_old",
                                                "kernel_segment_outside",
                                                "kernel_text",
                                                "kernel_truncated",
                                                "key_duplicate",
                                                "memory_beyond_machine",
                                                "memory_large",
                                                "memory_max_beyond_machine",
                                                "memory_max_large",
                                                "memory_max_less",
                                                "memory_max_not_pages",
                                                "memory_not_pages",
                                                "memory_overflow",
                                                "memory_small",
                                                "memory_too_little_for_initrd",
                                                "memory_too_little_for_kernel",
                                                "memory_zero",
                                                "name_repeated",
                                                "pcrs_same",
                                                "pv_cmdline_long",
                                                "kernel_32_bit",
                                                "pv_memory_large",
                                                "pv_of_pvh",
                                                "pv_role_tpm",
                                                "role_repeated",
                                                "unmeasured_with_tpm",
                                                "unmeasured_without_recovery",
                                                "uuid_repeated"};
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator{source / "tests/corpus/manifest/bad"}) {
        const Json manifest = entry.path().extension() == ".json" ? read(entry.path()) : Json();
        if (manifest.is_null() || manifest.is_discarded()) {
            continue;
        }
        const std::string name = entry.path().stem().string();
        EXPECT_EQ(beyond_a_schema.contains(name), accepts(manifest)) << name;
        ++count;
    }
    EXPECT_GE(count, 70U);
}

}  // namespace
