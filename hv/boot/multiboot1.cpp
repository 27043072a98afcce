// SPDX-License-Identifier: Apache-2.0
#include "hv/boot/multiboot1.hpp"

#include "hv/base/endian.hpp"
#include "hv/mm/direct_map.hpp"

#include <algorithm>
#include <cstddef>

namespace hv::boot {

namespace {

using Word = Le<uint32_t>;  // the loader need not align what it leaves

struct Information {  // [mb1] 3.3
    Word flags;
    Word mem_lower, mem_upper;
    Word boot_device;
    Word cmdline;     // 10
    Word mods_count;  // 14
    Word mods_addr;
    Word syms[4];
    Word mmap_length;  // 2c
    Word mmap_addr;
};
static_assert(offsetof(Information, cmdline) == 0x10 && offsetof(Information, mmap_addr) == 0x30);

struct Module {
    Word mod_start, mod_end, string, reserved;
};
static_assert(sizeof(Module) == 16);

struct MemoryRange {
    Word size;  // of what follows
    Le<uint64_t> base_addr;
    Le<uint64_t> length;
    Word type;  // 1: RAM
};
static_assert(sizeof(MemoryRange) == 24);

enum Flag : uint32_t { HasCmdline = 1 << 2, HasModules = 1 << 3, HasMemoryMap = 1 << 6 };

std::string_view string_at(uint32_t address, size_t max) {
    const auto* text = mm::direct_map_as<const char>(Paddr{address});
    const auto* end = std::find(text, text + max, '\0');
    return {text, static_cast<size_t>(end - text)};
}

// QEMU and GRUB put the image's path first.
std::string_view without_path(std::string_view line) {
    const size_t space = line.find(' ');
    line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    return line;
}

bool add_memory(const Information& info, BootInfo& out) {
    uint64_t at = info.mmap_addr.load();
    const uint64_t end = at + info.mmap_length.load();
    while (at + sizeof(MemoryRange) <= end) {
        const auto& range = *mm::direct_map_as<const MemoryRange>(Paddr{at});
        const uint64_t next = at + range.size.load() + sizeof(range.size);
        if (next < at + sizeof(MemoryRange)) {
            return false;  // no entry is that short: what follows is none
        }
        const uint64_t first = range.base_addr.load();
        // No range wraps around, whatever its length says.
        const uint64_t bytes = std::min(range.length.load(), ~first);
        constexpr uint32_t type_ram = 1;
        auto& ranges = range.type.load() == type_ram ? out.ram : out.reserved;
        if (!ranges.push({Paddr{first}, bytes}).ok()) {
            return false;
        }
        at = next;
    }
    return !out.ram.empty();
}

bool add_modules(const Information& info, BootInfo& out) {
    for (uint32_t i = 0; i < info.mods_count.load(); ++i) {
        const uint64_t at = info.mods_addr.load() + i * sizeof(Module);
        const auto& module = *mm::direct_map_as<const Module>(Paddr{at});
        const uint32_t start = module.mod_start.load();
        const uint32_t end = module.mod_end.load();
        if (end < start || !out.modules.push({Paddr{start}, end - start}).ok()) {
            return false;
        }
    }
    return true;
}

}  // namespace

bool from_multiboot1(Paddr information, BootInfo& out) {
    const auto& info = *mm::direct_map_as<const Information>(information);
    const uint32_t flags = info.flags.load();
    if ((flags & HasMemoryMap) == 0 || !add_memory(info, out)) {
        return false;
    }
    if ((flags & HasCmdline) != 0) {
        const uint32_t at = info.cmdline.load();
        const std::string_view line = string_at(at, 4096);
        out.command_line = without_path(line);
        // It lies in RAM behind the image, and is read after memory has been given out.
        if (!out.loader_data.push({Paddr{at}, line.size()}).ok()) {
            return false;
        }
    }
    return (flags & HasModules) == 0 || add_modules(info, out);
}

}  // namespace hv::boot
