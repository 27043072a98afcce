// SPDX-License-Identifier: Apache-2.0
// Kernel files as distributions ship them, made into what domB places: an ELF image with the Xen
// notes of its domain's type. The bzImage's packed payload is unpacked here because that costs
// seconds on the emulated machine. Decompressors come from Debian's libraries.
#pragma once

#include "hv/base/result.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
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
    uint64_t low = 0;                   // first byte of the lowest loaded segment
    uint64_t high = 0;                  // beyond the last byte of the highest
    std::optional<uint64_t> pvh_entry;  // guest physical, from its note
    bool is_pv = false;                 // has the notes of a PV kernel
};

hv::Result<KernelLayout, ImageError> inspect_kernel(std::span<const std::byte> elf);

// Why a domain of that type cannot start from such a kernel.
std::optional<ImageError> find_start_problem(const KernelLayout& kernel, DomainType type);

}  // namespace launch::model
