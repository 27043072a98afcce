// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/elf.hpp"

#include "hv/base/endian.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace builder {
namespace {

using Bytes = std::span<const std::byte>;
template <class T>
using Parsed = hv::Result<T, Refusal>;

struct ElfHeader {                               // [elf-64] 3
    std::array<std::byte, 16> e_ident;           // 00
    hv::Le<uint16_t> e_type, e_machine;          // 10
    hv::Le<uint32_t> e_version;                  // 14
    hv::Le<uint64_t> e_entry, e_phoff, e_shoff;  // 18
    hv::Le<uint32_t> e_flags;                    // 30
    hv::Le<uint16_t> e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;  // 34
};
static_assert(sizeof(ElfHeader) == 64 && offsetof(ElfHeader, e_phoff) == 0x20 &&
              offsetof(ElfHeader, e_phnum) == 0x38);

struct ProgramHeader {                            // [elf-64] 6
    hv::Le<uint32_t> p_type, p_flags;             // 00
    hv::Le<uint64_t> p_offset, p_vaddr, p_paddr;  // 08
    hv::Le<uint64_t> p_filesz, p_memsz, p_align;  // 20
};
static_assert(sizeof(ProgramHeader) == 56 && offsetof(ProgramHeader, p_filesz) == 0x20);

struct NoteHeader {
    hv::Le<uint32_t> namesz, descsz, type;
};
static_assert(sizeof(NoteHeader) == 12);

constexpr std::array ident{std::byte{0x7f}, std::byte{'E'}, std::byte{'L'},
                           std::byte{'F'},  std::byte{2},  // ELFCLASS64
                           std::byte{1},                   // ELFDATA2LSB
                           std::byte{1}};
constexpr size_t class_at = 4;
constexpr std::byte ELFCLASS32{1};
constexpr uint16_t ET_EXEC = 2;
constexpr uint16_t EM_X86_64 = 62;
constexpr uint32_t PT_LOAD = 1;
constexpr uint32_t PT_NOTE = 4;
constexpr std::array xen_name{std::byte{'X'}, std::byte{'e'}, std::byte{'n'}, std::byte{0}};

Parsed<Bytes> part(Bytes file, uint64_t offset, uint64_t bytes) {
    if (offset > file.size() || bytes > file.size() - offset) {
        return hv::Err{Refusal::ElfMalformed};
    }
    return file.subspan(offset, bytes);
}

template <class T>
Parsed<T> read(Bytes file, uint64_t offset) {
    static_assert(alignof(T) == 1 && std::is_trivially_copyable_v<T>);
    const Bytes bytes = TRY(part(file, offset, sizeof(T)));
    T value;
    memcpy(&value, bytes.data(), sizeof(T));
    return value;
}

Parsed<ElfHeader> read_header(Bytes file) {
    if (file.size() < sizeof(ElfHeader)) {
        return hv::Err{Refusal::NotElf64};
    }
    const auto header = TRY(read<ElfHeader>(file, 0));
    if (std::equal(ident.begin(), ident.begin() + class_at, header.e_ident.begin()) &&
        header.e_ident[class_at] == ELFCLASS32) {
        return hv::Err{Refusal::Elf32};
    }
    if (!std::equal(ident.begin(), ident.end(), header.e_ident.begin()) ||
        header.e_type.load() != ET_EXEC || header.e_machine.load() != EM_X86_64) {
        return hv::Err{Refusal::NotElf64};
    }
    if (header.e_phentsize.load() != sizeof(ProgramHeader)) {
        return hv::Err{Refusal::ElfMalformed};
    }
    return header;
}

Parsed<Segment> read_segment(Bytes file, const ProgramHeader& ph) {
    const Segment segment{TRY(part(file, ph.p_offset.load(), ph.p_filesz.load())),
                          ph.p_paddr.load(), ph.p_memsz.load()};
    if (segment.contents.size() > segment.memory_bytes || segment.end() < segment.gpaddr) {
        return hv::Err{Refusal::ElfMalformed};
    }
    return segment;
}

Parsed<void> add_segment(Segments& segments, const Segment& segment) {
    if (segment.memory_bytes == 0) {
        return hv::Ok{};
    }
    for (const Segment& other : segments) {
        if (segment.gpaddr < other.end() && other.gpaddr < segment.end()) {
            return hv::Err{Refusal::ElfOverlap};
        }
    }
    if (!segments.push(segment).ok()) {
        return hv::Err{Refusal::ElfTooManyParts};
    }
    return hv::Ok{};
}

// The Xen notes of one PT_NOTE; each note is at least a header long, so this ends.
Parsed<void> add_notes(ElfImage& image, Bytes notes, uint64_t alignment) {
    const auto padded = [alignment](uint64_t n) { return (n + alignment - 1) & ~(alignment - 1); };
    uint64_t at = 0;
    while (at < notes.size()) {
        const auto header = TRY(read<NoteHeader>(notes, at));
        const uint64_t name_at = at + sizeof(NoteHeader);
        const uint64_t descriptor_at = padded(name_at + header.namesz.load());
        const Bytes name = TRY(part(notes, name_at, header.namesz.load()));
        const Bytes descriptor = TRY(part(notes, descriptor_at, header.descsz.load()));
        if (std::equal(name.begin(), name.end(), xen_name.begin(), xen_name.end()) &&
            !image.notes.push({static_cast<hv::abi::XenElfNote>(header.type.load()), descriptor})
                 .ok()) {
            return hv::Err{Refusal::ElfTooManyParts};
        }
        at = padded(descriptor_at + header.descsz.load());
    }
    return hv::Ok{};
}

}  // namespace

std::optional<Bytes> ElfImage::note(hv::abi::XenElfNote type) const {
    const auto* found = std::find_if(notes.begin(), notes.end(),
                                     [type](const XenNote& n) { return n.type == type; });
    return found == notes.end() ? std::nullopt : std::optional{found->descriptor};
}

hv::Result<ElfImage, Refusal> read_elf(Bytes file) {
    const ElfHeader header = TRY(read_header(file));
    ElfImage image;
    image.entry = header.e_entry.load();
    for (uint64_t i = 0; i < header.e_phnum.load(); ++i) {
        // Cannot wrap: the first header lies within the file, or this ends with it.
        const uint64_t at = header.e_phoff.load() + i * sizeof(ProgramHeader);
        const auto ph = TRY(read<ProgramHeader>(file, at));
        if (ph.p_type.load() == PT_LOAD) {
            const Segment segment = TRY(read_segment(file, ph));
            TRY(add_segment(image.segments, segment));
        } else if (ph.p_type.load() == PT_NOTE) {
            const Bytes notes = TRY(part(file, ph.p_offset.load(), ph.p_filesz.load()));
            TRY(add_notes(image, notes, ph.p_align.load() == 8 ? 8 : 4));
        }
    }
    return image;
}

hv::Result<uint64_t, Refusal> to_number(Bytes descriptor) {
    if (descriptor.size() == sizeof(uint32_t)) {
        return uint64_t{TRY(read<hv::Le<uint32_t>>(descriptor, 0)).load()};
    }
    if (descriptor.size() == sizeof(uint64_t)) {
        return TRY(read<hv::Le<uint64_t>>(descriptor, 0)).load();
    }
    return hv::Err{Refusal::ElfMalformed};
}

bool is_loaded(const Segments& segments, uint64_t address) {
    return std::any_of(segments.begin(), segments.end(), [address](const Segment& s) {
        return address >= s.gpaddr && address - s.gpaddr < s.contents.size();
    });
}

}  // namespace builder
