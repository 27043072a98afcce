// SPDX-License-Identifier: Apache-2.0
// Kernel files as distributions ship them, made into what domB places: an ELF image with a PVH
// entry note. The bzImage's packed payload is unpacked here because that costs seconds on the
// emulated machine. Decompressors come from Debian's libraries.
#pragma once

#include "hv/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace launch::model {

// What is wrong with a file, and what would be right; both for people.
struct ImageError {
    std::string what;
    std::string expected;
};

struct UnpackedKernel {
    std::vector<std::byte> bytes;
    std::string packing;  // "gzip", "xz", …; empty when the file was an ELF image already
};

hv::Result<UnpackedKernel, ImageError> unpack_kernel(std::vector<std::byte> file);

// What a domain needs to hold a kernel; the form is checked, the code is not.
struct KernelLayout {
    uint64_t entry = 0;  // of the PVH note, guest physical
    uint64_t low = 0;    // first byte of the lowest loaded segment
    uint64_t high = 0;   // beyond the last byte of the highest
};

hv::Result<KernelLayout, ImageError> inspect_kernel(std::span<const std::byte> elf);

}  // namespace launch::model
