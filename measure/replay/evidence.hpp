// SPDX-License-Identifier: Apache-2.0
// The files of a launch's evidence, as `gantry boot` stores them: `log` (binary_bios_measurements)
// and `pcrs` (lines `bank index hex`). Reads and parses; trusts nothing.
#pragma once

#include "measure/replay/replay.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace measure {

struct LoadError {
    bool cannot_read = false;  // else it was read and is malformed
    std::string message;       // one line, starts with the file
};

// `expected` is what to say if it cannot be read.
hv::Result<std::vector<std::byte>, LoadError> read_file(const std::filesystem::path& path,
                                                        std::string_view expected = "a file");
hv::Result<RawLog, LoadError> load_log(const std::filesystem::path& path);
hv::Result<PcrValues, LoadError> load_pcrs(const std::filesystem::path& path);
hv::Result<ReferenceValues, LoadError> load_reference(const std::filesystem::path& path);

}  // namespace measure
