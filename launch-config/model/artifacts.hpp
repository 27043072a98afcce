// SPDX-License-Identifier: Apache-2.0
// The files that a manifest names, read and made ready to be boot modules: kernels unpacked,
// expected digests compared, and looked at for whether a domain can carry them.
#pragma once

#include "launch-config/model/manifest.hpp"

#include <memory>

namespace launch::model {

using Bytes = std::vector<std::byte>;

struct PreparedArtifact {
    std::shared_ptr<const Bytes> bytes;  // as they will be measured; shared when files are
    std::string name;                    // label, from the file's name
    std::string source;                  // the file as the manifest names it, and what was done
    std::optional<std::array<std::byte, 32>> expected_sha256;  // of `bytes`
};

struct PreparedDomain {
    PreparedArtifact kernel;
    std::optional<PreparedArtifact> initrd;
};

// Unexamined kernels are passed on even if no domain could start from them: for tests of what the
// machine itself refuses.
enum class Examine : uint8_t { Everything, DigestsOnly };

// One entry per domain of the manifest, complete only if nothing was added to `diagnostics`. The
// manifest must have passed check_manifest.
std::vector<PreparedDomain> prepare_artifacts(const Manifest& manifest, Examine examine,
                                              Diagnostics& diagnostics);

// The bytes of a file; nothing if it cannot be read.
std::optional<Bytes> read_file(const std::filesystem::path& path);

}  // namespace launch::model
