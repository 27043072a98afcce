// SPDX-License-Identifier: Apache-2.0
// Reads a kernel file: a statically linked x86-64 ELF, its loaded segments and its Xen notes. The
// file may be hostile; what comes out lies within it and does not overlap. What the notes mean is
// the question of pvh_kernel.hpp and pv/kernel.hpp, whether it fits that of placement.hpp and
// pv/boot_layout.hpp.
#pragma once

#include "domb/builder/refusal.hpp"
#include "hv/abi/xen_elfnote.hpp"
#include "hv/base/static_vector.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace builder {

inline constexpr size_t max_segments = 16;
inline constexpr size_t max_xen_notes = 32;

struct Segment {
    std::span<const std::byte> contents;  // what is copied; the rest of memory_bytes is zero
    uint64_t gpaddr = 0;
    uint64_t memory_bytes = 0;  // not 0, and gpaddr + memory_bytes does not wrap

    [[nodiscard]] constexpr uint64_t end() const { return gpaddr + memory_bytes; }
};

using Segments = hv::StaticVector<Segment, max_segments>;

struct XenNote {
    hv::abi::XenElfNote type{};
    std::span<const std::byte> descriptor;
};

struct ElfImage {
    uint64_t entry = 0;  // e_entry, whatever it means to the kernel
    Segments segments;
    hv::StaticVector<XenNote, max_xen_notes> notes;

    // The descriptor of the first note of that type.
    [[nodiscard]] std::optional<std::span<const std::byte>> note(hv::abi::XenElfNote type) const;
};

hv::Result<ElfImage, Refusal> read_elf(std::span<const std::byte> file);

// A note's number, which is 4 or 8 bytes wide.
hv::Result<uint64_t, Refusal> to_number(std::span<const std::byte> descriptor);

// Whether the byte at `address` comes from the file, and is not one of the zeros after it.
bool is_loaded(const Segments& segments, uint64_t address);

}  // namespace builder
