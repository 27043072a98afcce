// SPDX-License-Identifier: Apache-2.0
#include "domb/rt/start_info.hpp"

#include "domb/rt/address_space.hpp"
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/abi/xen_start_info.hpp"
#include "hv/base/address.hpp"
#include "hv/base/assert.hpp"

extern std::byte rt_image_end[];

namespace rt {
namespace {

template <class T>
const T& object_at(uint64_t gpaddr) {
    // SAFETY: domB put a T there; the tables are 16-byte aligned and nobody changes them.
    return *reinterpret_cast<const T*>(bytes_of({gpaddr, sizeof(T)}).data());
}

const hv::abi::HvmStartInfo& info_at(uint64_t gpaddr) {
    const auto& info = object_at<hv::abi::HvmStartInfo>(gpaddr);
    ASSERT(info.magic == hv::abi::XEN_HVM_START_MAGIC_VALUE);
    return info;
}

}  // namespace

size_t StartInfo::module_count() const {
    return info_at(gpaddr_).nr_modules;
}

std::span<const std::byte> StartInfo::module(size_t index) const {
    ASSERT(index < module_count());
    const auto& entry = object_at<hv::abi::HvmModlistEntry>(
        info_at(gpaddr_).modlist_paddr + index * sizeof(hv::abi::HvmModlistEntry));
    return bytes_of({entry.paddr, entry.size});
}

std::string_view StartInfo::command_line() const {
    const uint64_t at = info_at(gpaddr_).cmdline_paddr;
    return at == 0 ? std::string_view{} : std::string_view{&object_at<char>(at)};
}

std::span<std::byte> StartInfo::free_memory() const {
    const hv::abi::HvmStartInfo& info = info_at(gpaddr_);
    const uint64_t start = hv::align_up(to_argument(rt_image_end), hv::page_size);
    uint64_t end = start;
    for (uint32_t i = 0; i < info.memmap_entries; ++i) {
        const auto& entry = object_at<hv::abi::HvmMemmapTableEntry>(
            info.memmap_paddr + i * sizeof(hv::abi::HvmMemmapTableEntry));
        if (entry.type == hv::abi::E820_RAM && entry.addr <= start &&
            start < entry.addr + entry.size) {
            end = entry.addr + entry.size;
        }
    }
    for (size_t i = 0; i < module_count(); ++i) {
        const auto at = to_argument(module(i).data());
        if (start <= at && at < end) {
            end = at;
        }
    }
    return bytes_of({start, end - start});
}

uint64_t StartInfo::rsdp() const {
    return info_at(gpaddr_).rsdp_paddr;
}

}  // namespace rt
