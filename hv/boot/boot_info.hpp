// SPDX-License-Identifier: Apache-2.0
// BootInfo: what every boot protocol is turned into. Nothing after the adapters (multiboot1.cpp;
// later multiboot2 and EFI) knows how the machine was booted.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/static_vector.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <cstdint>
#include <string_view>

namespace hv::boot {

struct PhysicalRange {
    Paddr first{};
    uint64_t bytes = 0;
};

// What measured the hypervisor before it ran ([design] 4).
enum class MeasurementRoot : uint8_t {
    None,      // a loader that measures nothing (`qemu -kernel`, BIOS)
    Firmware,  // firmware and loader extended the TPM; firmware_log holds their events
};

struct BootInfo {
    std::string_view command_line;  // effective, without the loader's image path
    StaticVector<PhysicalRange, 64> ram;
    StaticVector<PhysicalRange, 64> reserved;  // of these, what lies in RAM is not to be used
    StaticVector<PhysicalRange, launch::max_modules> modules;
    StaticVector<PhysicalRange, 8> loader_data;  // in RAM, to be kept until boot has copied it
    MeasurementRoot root = MeasurementRoot::None;
    PhysicalRange firmware_log;     // TCG log of the firmware, 0 bytes if there is none
    uint64_t efi_system_table = 0;  // boot services still running; 0 without them
};

}  // namespace hv::boot
