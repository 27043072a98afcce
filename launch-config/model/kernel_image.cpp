// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/kernel_image.hpp"

#include "hv/abi/xen_elfnote.hpp"
#include "hv/base/address.hpp"
#include "launch-config/model/unpack.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include <elf.h>

namespace launch::model {
namespace {

using hv::abi::XenElfNote;

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

// What the Xen notes of a kernel say, as far as it matters here.
struct XenNotes {
    std::optional<uint64_t> pvh_entry;
    bool has_version = false;
    bool has_pv_start = false;  // a kernel with PVH support alone has the version, but not these

    void take(XenElfNote type, std::span<const std::byte> value) {
        constexpr std::string_view version = "xen-3.0";
        if (type == XenElfNote::XEN_ELFNOTE_PHYS32_ENTRY && !pvh_entry) {
            const auto narrow = read_at<uint32_t>(value, 0);
            const auto wide = read_at<uint64_t>(value, 0);
            pvh_entry = wide ? wide : narrow ? std::optional<uint64_t>{*narrow} : std::nullopt;
        }
        has_version |= type == XenElfNote::XEN_ELFNOTE_XEN_VERSION &&
                       value.size() >= version.size() &&
                       std::memcmp(value.data(), version.data(), version.size()) == 0;
        has_pv_start |= type == XenElfNote::XEN_ELFNOTE_ENTRY ||
                        type == XenElfNote::XEN_ELFNOTE_HYPERCALL_PAGE ||
                        type == XenElfNote::XEN_ELFNOTE_VIRT_BASE;
    }
};

// The notes of one PT_NOTE segment, up to one that is broken.
void take_notes(XenNotes& found, std::span<const std::byte> notes, uint64_t alignment) {
    while (const auto header = read_at<Elf64_Nhdr>(notes, 0)) {
        const uint64_t value_at =
            hv::align_up(sizeof(*header) + uint64_t{header->n_namesz}, alignment);
        const auto name = range_at(notes, sizeof(*header), header->n_namesz);
        const auto value = range_at(notes, value_at, header->n_descsz);
        if (!name || !value) {
            return;
        }
        if (name->size() == 4 && std::memcmp(name->data(), "Xen", 4) == 0) {
            found.take(static_cast<XenElfNote>(header->n_type), *value);
        }
        const uint64_t step = hv::align_up(value_at + header->n_descsz, alignment);
        notes = notes.subspan(std::min<uint64_t>(step, notes.size()));
    }
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
    if (header && is_elf(elf) && header->e_ident[EI_CLASS] == ELFCLASS32) {
        return reject("is a 32-bit ELF image", "expected a 64-bit x86 kernel");
    }
    if (!header || !is_elf(elf) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_X86_64 ||
        header->e_type != ET_EXEC) {
        return reject("is not an ELF image for x86-64", "expected a 64-bit x86 kernel");
    }
    KernelLayout layout{.low = UINT64_MAX};
    XenNotes notes;
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
        if (segment->p_type == PT_NOTE) {
            const auto range = range_at(elf, segment->p_offset, segment->p_filesz);
            take_notes(notes, range.value_or(std::span<const std::byte>{}),
                       segment->p_align == 8 ? 8 : 4);
        }
    }
    layout.pvh_entry = notes.pvh_entry;
    layout.is_pv = notes.has_version && notes.has_pv_start;
    return layout;
}

std::optional<ImageError> find_start_problem(const KernelLayout& kernel, DomainType type) {
    if (type == DomainType::Pv) {
        return kernel.is_pv
                   ? std::nullopt
                   : std::optional{ImageError{
                         "has no notes of a PV kernel (XEN_ELFNOTE_XEN_VERSION and _ENTRY)",
                         "expected a kernel built with CONFIG_XEN_PV"}};
    }
    if (!kernel.pvh_entry) {
        return ImageError{"has no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY)",
                          "expected a kernel built with CONFIG_PVH"};
    }
    if (kernel.high == 0 || *kernel.pvh_entry < kernel.low || *kernel.pvh_entry >= kernel.high) {
        return ImageError{"has its PVH entry outside its segments", "expected a kernel"};
    }
    return std::nullopt;
}

}  // namespace launch::model
