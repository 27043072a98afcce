// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/boot_set.hpp"

#include <fstream>
#include <system_error>

#include <nlohmann/json.hpp>

namespace images {

namespace {

using std::filesystem::path;

Outcome<path> existing_file(const path& base, const std::string& relative) {
    std::error_code error;
    const path file = std::filesystem::absolute(base / relative, error).lexically_normal();
    if (error || !std::filesystem::is_regular_file(file, error)) {
        return hv::Err{
            Failure{(base / "boot.json").string() + ": no such file: '" + relative + "'"}};
    }
    return file;
}

template <class T>
std::optional<T> machine_number(const nlohmann::json& json, const char* key) {
    const auto machine = json.value("machine", nlohmann::json::object());
    if (!machine.is_object() || !machine.contains(key) || !machine[key].is_number_unsigned()) {
        return std::nullopt;
    }
    return machine[key].template get<T>();
}

}  // namespace

Outcome<BootSet> read_boot_set(const path& out_dir) {
    const path file = out_dir / "boot.json";
    std::ifstream stream{file};
    if (!stream) {
        return hv::Err{
            Failure{file.string() + ": cannot be read: expected what `gantry build` wrote"}};
    }
    const auto json = nlohmann::json::parse(stream, nullptr, false);
    const auto is_string = [&](const char* key) {
        return json.is_object() && json.contains(key) && json[key].is_string();
    };
    if (!is_string("hypervisor") || !is_string("cmdline") || !json.contains("modules") ||
        !json["modules"].is_array()) {
        return hv::Err{
            Failure{file.string() + ": malformed: expected hypervisor, cmdline, modules"}};
    }
    BootSet set;
    set.hypervisor = TRY(existing_file(out_dir, json["hypervisor"].get<std::string>()));
    set.cmdline = json["cmdline"].get<std::string>();
    for (const auto& module : json["modules"]) {
        if (!module.is_string()) {
            return hv::Err{Failure{file.string() + ": malformed: expected names of modules"}};
        }
        set.modules.push_back(TRY(existing_file(out_dir, module.get<std::string>())));
    }
    set.memory_mib = machine_number<uint64_t>(json, "memory_mib");
    set.cpus = machine_number<unsigned>(json, "cpus");
    return set;
}

}  // namespace images
