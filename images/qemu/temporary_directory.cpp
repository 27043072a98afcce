// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/temporary_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace images {

Outcome<TemporaryDirectory> TemporaryDirectory::create() {
    std::error_code error;
    const auto base = std::filesystem::temp_directory_path(error);
    std::string name = (error ? std::filesystem::path{"/tmp"} : base) / "gantry-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        return hv::Err{system_failure("cannot make the directory " + name, errno)};
    }
    return TemporaryDirectory{name};
}

TemporaryDirectory::~TemporaryDirectory() {
    if (!path_.empty()) {
        std::error_code ignored;  // nobody is left to tell
        std::filesystem::remove_all(path_, ignored);
    }
}

}  // namespace images
