// SPDX-License-Identifier: Apache-2.0
// The walk over all PCI functions of segment 0 that turns bus mastering off, on top of whatever
// reads and writes configuration space. Used by pci.cpp and, with a fake one, by its test.
#pragma once

#include <cstdint>

namespace hv::dev {

// Where a function is.
struct PciFunction {
    uint32_t bus;
    uint32_t device;
    uint32_t function;
};

// Config has `uint32_t read(PciFunction, uint32_t offset)` and `void write(PciFunction, uint32_t
// offset, uint32_t value)`; offsets are multiples of 4, what is not there reads as all ones.
template <class Config>
class BusMasters {
  public:
    explicit BusMasters(Config config) : config_{config} {}

    // Clears bus mastering wherever it is on; returns on how many functions it was.
    unsigned disable_all() {
        unsigned disabled = 0;
        // Every bus, whether a bridge leads to it or not: a machine may have several root buses.
        for (uint32_t bus = 0; bus < 256; ++bus) {
            for (uint32_t device = 0; device < 32; ++device) {
                disabled += disable_device(bus, device);
            }
        }
        return disabled;
    }

  private:
    static constexpr uint32_t reg_id = 0x00;
    static constexpr uint32_t reg_command = 0x04;
    static constexpr uint32_t reg_header = 0x0c;
    static constexpr uint32_t command_bus_master = 1 << 2;
    static constexpr uint32_t header_has_functions = 1 << 23;

    bool exists(PciFunction at) { return config_.read(at, reg_id) != ~0U; }

    unsigned disable_device(uint32_t bus, uint32_t device) {
        const PciFunction first{bus, device, 0};
        if (!exists(first)) {
            return 0;
        }
        const bool is_alone = (config_.read(first, reg_header) & header_has_functions) == 0;
        unsigned disabled = disable(first);
        for (uint32_t function = 1; !is_alone && function < 8; ++function) {
            const PciFunction other{bus, device, function};
            disabled += exists(other) ? disable(other) : 0;
        }
        return disabled;
    }

    unsigned disable(PciFunction at) {
        const uint32_t command = config_.read(at, reg_command);
        if ((command & command_bus_master) == 0) {
            return 0;
        }
        // The upper half is status, whose bits clear when written as one: write zeros there.
        config_.write(at, reg_command, command & 0xffff & ~command_bus_master);
        return 1;
    }

    Config config_;
};

}  // namespace hv::dev
