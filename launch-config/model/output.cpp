// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/output.hpp"

#include <fstream>

#include <nlohmann/json.hpp>

namespace launch::model {
namespace {

namespace fs = std::filesystem;

// A reader never sees half a file: it appears under its name when it is whole.
void write_file(const fs::path& path, std::span<const std::byte> bytes) {
    const fs::path partial = path.string() + ".partial";
    {
        std::ofstream stream{partial, std::ios::binary | std::ios::trunc};
        // SAFETY: chars may view any bytes.
        stream.write(reinterpret_cast<const char*>(bytes.data()),
                     static_cast<std::streamsize>(bytes.size()));
        if (!stream.flush()) {
            throw fs::filesystem_error{"cannot write", path,
                                       std::make_error_code(std::errc::io_error)};
        }
    }
    fs::rename(partial, path);
}

void write_file(const fs::path& path, std::string_view text) {
    write_file(path, std::as_bytes(std::span{text}));
}

// Only what has the form of a module's file name: the directory may be somebody's.
void remove_old_modules(const fs::path& directory) {
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator{directory}) {
        const std::string name = entry.path().filename().string();
        const size_t digits = name.find_first_not_of("0123456789");
        if (entry.is_regular_file() && digits != name.npos && digits >= 2 && name[digits] == '-') {
            old.push_back(entry.path());
        }
    }
    for (const fs::path& file : old) {
        fs::remove(file);
    }
}

}  // namespace

std::vector<std::string> module_files(const Plan& plan) {
    std::vector<std::string> files;
    for (size_t i = 0; i < plan.modules.size(); ++i) {
        const std::string number = (i < 10 ? "0" : "") + std::to_string(i);
        files.push_back(i == 0 ? "launch.lcm" : "modules/" + number + "-" + plan.modules[i].name);
    }
    return files;
}

void write_output(const fs::path& directory, const Plan& plan, const Bytes& hypervisor,
                  const std::vector<Module>& extra) {
    constexpr const char* hypervisor_file = "hv.elf32";
    fs::create_directories(directory);
    fs::create_directory(directory / "modules");
    remove_old_modules(directory / "modules");
    const auto files = module_files(plan);
    for (size_t i = 0; i < files.size(); ++i) {
        write_file(directory / files[i], plan.modules[i].bytes);
    }
    write_file(directory / hypervisor_file, hypervisor);
    for (const Module& file : extra) {
        write_file(directory / file.name, file.bytes);
    }
    nlohmann::ordered_json boot = {{"hypervisor", hypervisor_file},
                                   {"cmdline", plan.graph.hypervisor_cmdline},
                                   {"modules", files}};
    if (plan.machine.memory_bytes) {
        boot["machine"]["memory_mib"] = *plan.machine.memory_bytes >> 20;
    }
    if (plan.machine.cpu_count) {
        boot["machine"]["cpus"] = *plan.machine.cpu_count;
    }
    write_file(directory / "boot.json", boot.dump(2) + "\n");
}

}  // namespace launch::model
