// SPDX-License-Identifier: Apache-2.0
// TemporaryDirectory: a private directory with a short path (sockets go into it), removed with all
// that is in it.
#pragma once

#include "images/qemu/failure.hpp"

#include <filesystem>
#include <utility>

namespace images {

class TemporaryDirectory {
  public:
    static Outcome<TemporaryDirectory> create();
    TemporaryDirectory(TemporaryDirectory&& other) noexcept
        : path_{std::exchange(other.path_, {})} {}
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    explicit TemporaryDirectory(std::filesystem::path path) : path_{std::move(path)} {}
    std::filesystem::path path_;
};

}  // namespace images
