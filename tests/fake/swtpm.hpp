// SPDX-License-Identifier: Apache-2.0
// Swtpm: a real software TPM in its own process, as the back end of a FakeTis. Ends with the
// object.
#pragma once

#include "tests/fake/fake_tis.hpp"

#include <filesystem>
#include <string>

#include <sys/types.h>

namespace fake {

class Swtpm {
  public:
    // With these active banks, such as "sha1,sha256". Throws std::runtime_error when it cannot be
    // started.
    explicit Swtpm(const std::string& banks);
    ~Swtpm();
    Swtpm(const Swtpm&) = delete;
    Swtpm& operator=(const Swtpm&) = delete;

    // Whatever fails gives an empty response.
    Bytes execute(uint32_t locality, std::span<const std::byte> command);
    [[nodiscard]] TpmBackEnd back_end() {
        return [this](uint32_t locality, std::span<const std::byte> command) {
            return execute(locality, command);
        };
    }

  private:
    bool set_locality(uint32_t locality);

    std::filesystem::path folder_;
    pid_t process_ = -1;
    int data_ = -1;     // commands and responses
    int control_ = -1;  // the locality
};

}  // namespace fake
