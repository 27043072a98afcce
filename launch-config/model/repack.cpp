// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/repack.hpp"

#include "hv/base/address.hpp"

#include <algorithm>
#include <cstring>

#include <elf.h>

namespace launch::model {
namespace {

using Input = std::span<const std::byte>;

template <class T>
T struct_at(Input bytes, size_t offset) {
    T value;
    std::memcpy(&value, bytes.subspan(offset, sizeof(T)).data(), sizeof(T));
    return value;
}

Input without_zeros_at_end(Input bytes) {
    const auto end =
        std::find_if(bytes.rbegin(), bytes.rend(), [](std::byte b) { return b != std::byte{0}; });
    return bytes.first(static_cast<size_t>(bytes.rend() - end));
}

struct Part {
    Elf64_Phdr header;
    Input contents;
};

// The loaded segments and the notes, in the order of the program header table.
std::vector<Part> find_parts(Input elf, const Elf64_Ehdr& header) {
    std::vector<Part> parts;
    for (size_t i = 0; i < header.e_phnum; ++i) {
        const auto segment = struct_at<Elf64_Phdr>(elf, header.e_phoff + i * sizeof(Elf64_Phdr));
        const bool loaded = segment.p_type == PT_LOAD && segment.p_memsz != 0;
        const bool notes = segment.p_type == PT_NOTE && segment.p_offset <= elf.size() &&
                           segment.p_filesz <= elf.size() - segment.p_offset;
        if (loaded || notes) {
            const Input contents = elf.subspan(segment.p_offset, segment.p_filesz);
            parts.push_back({segment, loaded ? without_zeros_at_end(contents) : contents});
        }
    }
    return parts;
}

}  // namespace

std::vector<std::byte> repack_kernel(Input elf) {
    auto header = struct_at<Elf64_Ehdr>(elf, 0);
    auto parts = find_parts(elf, header);
    header.e_phoff = sizeof(header);
    header.e_phnum = static_cast<Elf64_Half>(parts.size());
    header.e_shoff = 0;
    header.e_shentsize = header.e_shnum = header.e_shstrndx = 0;

    std::vector<std::byte> out;
    const auto append = [&out](Input bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
    append(std::as_bytes(std::span{&header, 1}));
    uint64_t offset = sizeof(header) + parts.size() * sizeof(Elf64_Phdr);
    for (Part& part : parts) {
        // A segment's address and its place in the file agree modulo a page, as ELF asks.
        offset = part.header.p_type == PT_LOAD
                     ? offset + hv::page_offset(part.header.p_paddr - offset)
                     : hv::align_up(offset, 8);
        part.header.p_offset = offset;
        part.header.p_filesz = part.contents.size();
        if (part.header.p_type == PT_LOAD) {
            part.header.p_align = hv::page_size;  // notes keep theirs: it says how they are padded
        }
        append(std::as_bytes(std::span{&part.header, 1}));
        offset += part.contents.size();
    }
    for (const Part& part : parts) {
        out.resize(part.header.p_offset);
        append(part.contents);
    }
    return out;
}

}  // namespace launch::model
