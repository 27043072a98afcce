// SPDX-License-Identifier: Apache-2.0
// BootSet: what a loader needs of the output of `gantry build`, read from its boot.json.
#pragma once

#include "images/qemu/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace images {

struct BootSet {
    std::filesystem::path hypervisor;
    std::string cmdline;
    std::vector<std::filesystem::path> modules;  // the LCM, domB, then the blobs
    // The machine that the manifest asks for.
    std::optional<uint64_t> memory_mib{};
    std::optional<unsigned> cpus{};
};

// Paths in the result are absolute, and the files exist.
Outcome<BootSet> read_boot_set(const std::filesystem::path& out_dir);

}  // namespace images
