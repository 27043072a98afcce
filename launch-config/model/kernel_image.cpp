// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/kernel_image.hpp"

#include "hv/base/address.hpp"
#include "launch-config/model/unpack.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include <elf.h>

namespace launch::model {
namespace {

constexpr uint32_t note_phys32_entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY, [xen-pub] elfnote.h

hv::Err<ImageError> reject(std::string what, std::string expected) {
    return hv::Err{ImageError{std::move(what), std::move(expected)}};
}

// A copy of the T at `offset`, if it lies within the bytes.
template <class T>
std::optional<T> read_at(std::span<const std::byte> bytes, uint64_t offset) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) {
        return std::nullopt;
    }
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

std::optional<std::span<const std::byte>> range_at(std::span<const std::byte> bytes,
                                                   uint64_t offset, uint64_t size) {
    if (offset > bytes.size() || bytes.size() - offset < size) {
        return std::nullopt;
    }
    return bytes.subspan(offset, size);
}

bool is_elf(std::span<const std::byte> bytes) {
    return bytes.size() >= SELFMAG && std::memcmp(bytes.data(), ELFMAG, SELFMAG) == 0;
}

// The packed payload of a bzImage; Linux, Documentation/x86/boot.rst.
hv::Result<std::span<const std::byte>, ImageError> find_payload(std::span<const std::byte> file) {
    constexpr uint64_t sector = 512;
    const auto magic = read_at<uint32_t>(file, 0x202);
    const auto version = read_at<uint16_t>(file, 0x206);
    const auto setup_sectors = read_at<uint8_t>(file, 0x1f1);
    const auto offset = read_at<uint32_t>(file, 0x248);
    const auto length = read_at<uint32_t>(file, 0x24c);
    if (!magic || *magic != 0x53726448 || !length) {  // "HdrS"
        return reject("is neither an ELF image nor a bzImage",
                      "expected a kernel, such as Debian's vmlinuz");
    }
    if (*version < 0x208) {
        return reject("is a bzImage without a payload header",
                      "expected boot protocol 2.08 or later");
    }
    const uint64_t setup = (uint64_t{*setup_sectors == 0 ? uint8_t{4} : *setup_sectors} + 1);
    const auto payload = range_at(file, setup * sector + *offset, *length);
    if (!payload || payload->empty()) {
        return reject("is a bzImage that ends before its payload", "expected a whole file");
    }
    return *payload;
}

// The value of the PVH entry note in one PT_NOTE segment.
std::optional<uint64_t> find_entry(std::span<const std::byte> notes, uint64_t alignment) {
    while (const auto header = read_at<Elf64_Nhdr>(notes, 0)) {
        const uint64_t value_at =
            hv::align_up(sizeof(*header) + uint64_t{header->n_namesz}, alignment);
        const auto name = range_at(notes, sizeof(*header), header->n_namesz);
        const auto value = range_at(notes, value_at, header->n_descsz);
        if (!name || !value) {
            return std::nullopt;
        }
        const bool is_xen = name->size() == 4 && std::memcmp(name->data(), "Xen", 4) == 0;
        if (is_xen && header->n_type == note_phys32_entry) {
            const auto narrow = read_at<uint32_t>(*value, 0);
            const auto wide = read_at<uint64_t>(*value, 0);
            return wide ? wide : narrow ? std::optional<uint64_t>{*narrow} : std::nullopt;
        }
        const uint64_t step = hv::align_up(value_at + header->n_descsz, alignment);
        notes = notes.subspan(std::min<uint64_t>(step, notes.size()));
    }
    return std::nullopt;
}

// Widens `layout` by one loaded segment; false if it is broken.
bool add_segment(KernelLayout& layout, const Elf64_Phdr& segment, uint64_t file_size) {
    const bool broken = segment.p_offset > file_size ||
                        segment.p_filesz > file_size - segment.p_offset ||
                        segment.p_filesz > segment.p_memsz || segment.p_paddr > UINT32_MAX ||
                        segment.p_memsz > UINT32_MAX;
    if (!broken) {
        layout.low = std::min(layout.low, segment.p_paddr);
        layout.high = std::max(layout.high, segment.p_paddr + segment.p_memsz);
    }
    return !broken;
}

}  // namespace

hv::Result<UnpackedKernel, ImageError> unpack_kernel(std::vector<std::byte> file) {
    if (is_elf(file)) {
        return UnpackedKernel{std::move(file), {}};
    }
    const auto payload = TRY(find_payload(file));
    auto unpacked = TRY(unpack(payload));
    if (!is_elf(unpacked.bytes)) {
        return reject("has a payload (" + unpacked.packing + ") that is not an ELF image",
                      "expected a Linux bzImage");
    }
    return UnpackedKernel{std::move(unpacked.bytes), std::move(unpacked.packing)};
}

hv::Result<KernelLayout, ImageError> inspect_kernel(std::span<const std::byte> elf) {
    const auto header = read_at<Elf64_Ehdr>(elf, 0);
    if (!header || !is_elf(elf) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_X86_64 ||
        header->e_type != ET_EXEC) {
        return reject("is not an ELF image for x86-64", "expected a 64-bit x86 kernel");
    }
    KernelLayout layout{.low = UINT64_MAX};
    std::optional<uint64_t> entry;
    for (uint64_t i = 0; i < header->e_phnum; ++i) {
        const auto segment = read_at<Elf64_Phdr>(elf, header->e_phoff + i * sizeof(Elf64_Phdr));
        if (!segment || header->e_phentsize != sizeof(Elf64_Phdr)) {
            return reject("has a broken program header table", "expected a whole ELF image");
        }
        if (segment->p_type == PT_LOAD && segment->p_memsz != 0 &&
            !add_segment(layout, *segment, elf.size())) {
            return reject("has a segment beyond the file or beyond 4 GiB",
                          "expected a whole ELF image");
        }
        if (segment->p_type == PT_NOTE && !entry) {
            const auto notes = range_at(elf, segment->p_offset, segment->p_filesz);
            entry = notes ? find_entry(*notes, segment->p_align == 8 ? 8 : 4) : std::nullopt;
        }
    }
    if (!entry) {
        return reject("has no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY)",
                      "expected a kernel built with CONFIG_PVH");
    }
    layout.entry = *entry;
    if (layout.high == 0 || layout.entry < layout.low || layout.entry >= layout.high) {
        return reject("has its PVH entry outside its segments", "expected a kernel");
    }
    return layout;
}

}  // namespace launch::model
