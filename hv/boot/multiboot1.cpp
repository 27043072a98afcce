// SPDX-License-Identifier: Apache-2.0
#include "hv/boot/multiboot1.hpp"

#include "hv/base/endian.hpp"
#include "hv/mm/direct_map.hpp"

#include <algorithm>

namespace hv::boot {

namespace {

struct Information {  // [mb1] 3.3
    uint32_t flags;
    uint32_t mem_lower, mem_upper;
    uint32_t boot_device;
    uint32_t cmdline;     // 10
    uint32_t mods_count;  // 14
    uint32_t mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length;  // 2c
    uint32_t mmap_addr;
};
static_assert(offsetof(Information, cmdline) == 0x10 && offsetof(Information, mmap_addr) == 0x30);

struct Module {
    uint32_t mod_start, mod_end, string, reserved;
};

struct MemoryRange {
    uint32_t size;  // of what follows
    Le<uint64_t> base_addr;
    Le<uint64_t> length;
    uint32_t type;  // 1: RAM
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

bool add_ram(const Information& info, BootInfo& out) {
    uint64_t at = info.mmap_addr;
    const uint64_t end = at + info.mmap_length;
    while (at + sizeof(MemoryRange) <= end) {
        const auto& range = *mm::direct_map_as<const MemoryRange>(Paddr{at});
        if (range.type == 1 &&
            !out.ram.push({Paddr{range.base_addr.load()}, range.length.load()}).ok()) {
            return false;
        }
        at += range.size + sizeof(range.size);
    }
    return !out.ram.empty();
}

bool add_modules(const Information& info, BootInfo& out) {
    for (uint32_t i = 0; i < info.mods_count; ++i) {
        const auto& module =
            *mm::direct_map_as<const Module>(Paddr{info.mods_addr + i * sizeof(Module)});
        if (module.mod_end < module.mod_start ||
            !out.modules.push({Paddr{module.mod_start}, module.mod_end - module.mod_start}).ok()) {
            return false;
        }
    }
    return true;
}

}  // namespace

bool from_multiboot1(Paddr information, BootInfo& out) {
    const auto& info = *mm::direct_map_as<const Information>(information);
    if ((info.flags & HasMemoryMap) == 0 || !add_ram(info, out)) {
        return false;
    }
    if ((info.flags & HasCmdline) != 0) {
        const std::string_view line = string_at(info.cmdline, 4096);
        out.command_line = without_path(line);
        // It lies in RAM behind the image, and is read after memory has been given out.
        if (!out.loader_data.push({Paddr{info.cmdline}, line.size()}).ok()) {
            return false;
        }
    }
    return (info.flags & HasModules) == 0 || add_modules(info, out);
}

}  // namespace hv::boot
