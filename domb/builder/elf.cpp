// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/elf.hpp"

#include "hv/base/endian.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

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
constexpr uint16_t ET_EXEC = 2;
constexpr uint16_t EM_X86_64 = 62;
constexpr uint32_t PT_LOAD = 1;
constexpr uint32_t PT_NOTE = 4;
constexpr uint32_t XEN_ELFNOTE_PHYS32_ENTRY = 18;  // [xen-pub] elfnote.h
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

// The entry is 4 or 8 bytes wide, but must be a 32-bit address.
Parsed<uint32_t> read_entry(Bytes descriptor) {
    uint64_t value = 0;
    if (descriptor.size() == sizeof(uint32_t)) {
        value = TRY(read<hv::Le<uint32_t>>(descriptor, 0)).load();
    } else if (descriptor.size() == sizeof(uint64_t)) {
        value = TRY(read<hv::Le<uint64_t>>(descriptor, 0)).load();
    } else {
        return hv::Err{Refusal::ElfMalformed};
    }
    if (value > UINT32_MAX) {
        return hv::Err{Refusal::EntryOutside};
    }
    return static_cast<uint32_t>(value);
}

// The PVH entry among the notes of one PT_NOTE; each note is at least a header long, so this ends.
Parsed<std::optional<uint32_t>> find_entry(Bytes notes, uint64_t alignment) {
    const auto padded = [alignment](uint64_t n) { return (n + alignment - 1) & ~(alignment - 1); };
    uint64_t at = 0;
    while (at < notes.size()) {
        const auto header = TRY(read<NoteHeader>(notes, at));
        const uint64_t name_at = at + sizeof(NoteHeader);
        const uint64_t descriptor_at = padded(name_at + header.namesz.load());
        const Bytes name = TRY(part(notes, name_at, header.namesz.load()));
        const Bytes descriptor = TRY(part(notes, descriptor_at, header.descsz.load()));
        if (header.type.load() == XEN_ELFNOTE_PHYS32_ENTRY &&
            std::equal(name.begin(), name.end(), xen_name.begin(), xen_name.end())) {
            return std::optional{TRY(read_entry(descriptor))};
        }
        at = padded(descriptor_at + header.descsz.load());
    }
    return std::optional<uint32_t>{};
}

bool is_loaded(const Segments& segments, uint32_t address) {
    return std::any_of(segments.begin(), segments.end(), [address](const Segment& s) {
        return address >= s.gpaddr && address - s.gpaddr < s.contents.size();
    });
}

}  // namespace

hv::Result<Kernel, Refusal> read_kernel(Bytes file) {
    const ElfHeader header = TRY(read_header(file));
    Kernel kernel;
    std::optional<uint32_t> entry;
    for (uint64_t i = 0; i < header.e_phnum.load(); ++i) {
        // Cannot wrap: the first header lies within the file, or this ends with it.
        const uint64_t at = header.e_phoff.load() + i * sizeof(ProgramHeader);
        const auto ph = TRY(read<ProgramHeader>(file, at));
        if (ph.p_type.load() == PT_LOAD) {
            const Segment segment = TRY(read_segment(file, ph));
            TRY(add_segment(kernel.segments, segment));
        } else if (ph.p_type.load() == PT_NOTE && !entry) {
            const Bytes notes = TRY(part(file, ph.p_offset.load(), ph.p_filesz.load()));
            entry = TRY(find_entry(notes, ph.p_align.load() == 8 ? 8 : 4));
        }
    }
    if (!entry) {
        return hv::Err{Refusal::NoPvhNote};
    }
    if (!is_loaded(kernel.segments, *entry)) {
        return hv::Err{Refusal::EntryOutside};
    }
    kernel.entry = *entry;
    return kernel;
}

}  // namespace builder
