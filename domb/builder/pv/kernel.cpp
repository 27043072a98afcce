// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/kernel.hpp"

#include "hv/abi/pv_layout.hpp"
#include "hv/base/address.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace builder::pv {
namespace {

using hv::abi::XenElfNote;
template <class T>
using Parsed = hv::Result<T, Refusal>;

constexpr uint64_t pseudo_physical_limit = uint64_t{1} << 40;  // far beyond what a domain can have

Parsed<std::optional<uint64_t>> number(const ElfImage& image, XenElfNote type) {
    const auto descriptor = image.note(type);
    if (!descriptor) {
        return std::optional<uint64_t>{};
    }
    return std::optional{TRY(to_number(*descriptor))};
}

// Without the NUL that ends it, if one does.
std::optional<std::string_view> text(const ElfImage& image, XenElfNote type) {
    const auto descriptor = image.note(type);
    if (!descriptor) {
        return std::nullopt;
    }
    // SAFETY: chars may view any bytes.
    const std::string_view all{reinterpret_cast<const char*>(descriptor->data()),
                               descriptor->size()};
    return all.substr(0, all.find('\0'));
}

// What the kernel says it cannot do without, and has here: hv/pv makes a kernel's own stores to its
// page tables work, and the other two are always there.
constexpr std::array<std::string_view, 3> offered_features{
    "writable_page_tables", "pae_pgdir_above_4gb", "mmu_pt_update_preserve_ad"};

// Names separated by '|'; '!' before a name makes it a requirement.
bool requirements_are_met(std::string_view features) {
    while (!features.empty()) {
        const size_t end = std::min(features.find('|'), features.size());
        const std::string_view feature = features.substr(0, end);
        if (feature.starts_with('!') && std::find(offered_features.begin(), offered_features.end(),
                                                  feature.substr(1)) == offered_features.end()) {
            return false;
        }
        features.remove_prefix(std::min(end + 1, features.size()));
    }
    return true;
}

// A kernel with PVH support alone has the version note, too, but none of the other three.
bool is_pv(const ElfImage& image) {
    return text(image, XenElfNote::XEN_ELFNOTE_XEN_VERSION) == "xen-3.0" &&
           (image.note(XenElfNote::XEN_ELFNOTE_ENTRY) ||
            image.note(XenElfNote::XEN_ELFNOTE_VIRT_BASE) ||
            image.note(XenElfNote::XEN_ELFNOTE_HYPERCALL_PAGE));
}

Parsed<void> check_texts(const ElfImage& image) {
    if (!is_pv(image)) {
        return hv::Err{Refusal::NoPvNotes};
    }
    if (text(image, XenElfNote::XEN_ELFNOTE_LOADER).value_or("generic") != "generic") {
        return hv::Err{Refusal::PvNotesWrong};
    }
    const bool wants_symbols =
        text(image, XenElfNote::XEN_ELFNOTE_BSD_SYMTAB).value_or("no").starts_with("yes");
    if (wants_symbols ||
        !requirements_are_met(text(image, XenElfNote::XEN_ELFNOTE_FEATURES).value_or(""))) {
        return hv::Err{Refusal::FeatureMissing};
    }
    return hv::Ok{};
}

// From the file's physical addresses to pseudo-physical ones.
Parsed<void> take_segments(const ElfImage& image, uint64_t paddr_offset, Kernel& kernel) {
    for (Segment segment : image.segments) {
        if (segment.gpaddr < paddr_offset || segment.end() - paddr_offset > pseudo_physical_limit) {
            return hv::Err{Refusal::OutsideRam};
        }
        segment.gpaddr -= paddr_offset;
        kernel.end = std::max(kernel.end, segment.end());
        ASSERT(kernel.segments.push(segment).ok());  // as many as it had room for before
    }
    return hv::Ok{};
}

bool holds_page(const Segments& segments, uint64_t gpaddr) {
    return std::any_of(segments.begin(), segments.end(), [gpaddr](const Segment& s) {
        return s.memory_bytes >= hv::page_size && gpaddr >= s.gpaddr &&
               gpaddr - s.gpaddr <= s.memory_bytes - hv::page_size;
    });
}

Parsed<void> check_addresses(const Kernel& kernel) {
    const auto is_whole_pages = [](uint64_t address) { return hv::page_offset(address) == 0; };
    if (!is_whole_pages(kernel.virt_base) || !is_whole_pages(kernel.init_p2m.value_or(0)) ||
        !is_whole_pages(kernel.hypercall_page.value_or(0))) {
        return hv::Err{Refusal::PvNotesWrong};
    }
    if (!is_loaded(kernel.segments, kernel.entry - kernel.virt_base)) {
        return hv::Err{Refusal::EntryOutside};
    }
    if (kernel.hypercall_page &&
        !holds_page(kernel.segments, *kernel.hypercall_page - kernel.virt_base)) {
        return hv::Err{Refusal::PvNotesWrong};
    }
    return hv::Ok{};
}

}  // namespace

// GUEST_OS and GUEST_VERSION are names; PAE_MODE is for 32-bit kernels; L1_MFN_VALID and
// SUSPEND_CANCEL are for migration; SUPPORTED_FEATURES matters to a hardware domain.
hv::Result<Kernel, Refusal> read_kernel(std::span<const std::byte> file) {
    const ElfImage image = TRY(read_elf(file));
    TRY(check_texts(image));
    const auto virt_base = TRY(number(image, XenElfNote::XEN_ELFNOTE_VIRT_BASE));
    const auto paddr_offset = TRY(number(image, XenElfNote::XEN_ELFNOTE_PADDR_OFFSET));
    const auto hv_start_low = TRY(number(image, XenElfNote::XEN_ELFNOTE_HV_START_LOW));
    if ((paddr_offset && !virt_base) ||
        hv_start_low.value_or(0) > hv::abi::pv_hypervisor_virt_start) {
        return hv::Err{Refusal::PvNotesWrong};
    }
    Kernel kernel;
    kernel.virt_base = virt_base.value_or(0);
    kernel.entry = TRY(number(image, XenElfNote::XEN_ELFNOTE_ENTRY)).value_or(image.entry);
    kernel.hypercall_page = TRY(number(image, XenElfNote::XEN_ELFNOTE_HYPERCALL_PAGE));
    kernel.init_p2m = TRY(number(image, XenElfNote::XEN_ELFNOTE_INIT_P2M));
    kernel.takes_unmapped_initrd =
        TRY(number(image, XenElfNote::XEN_ELFNOTE_MOD_START_PFN)).value_or(0) != 0;
    TRY(take_segments(image, paddr_offset.value_or(0), kernel));
    TRY(check_addresses(kernel));
    return kernel;
}

}  // namespace builder::pv
