// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/pci.hpp"

#include "hv/x86/instructions.hpp"

namespace hv::dev {

namespace {

constexpr uint32_t command_bus_master = 1 << 2;
constexpr uint32_t reg_id = 0x00;
constexpr uint32_t reg_command = 0x04;
constexpr uint32_t reg_header = 0x0c;
constexpr uint32_t reg_buses = 0x18;

uint32_t address(uint32_t bus, uint32_t device, uint32_t function, uint32_t offset) {
    return 1U << 31 | bus << 16 | device << 11 | function << 8 | offset;
}
uint32_t read(uint32_t bus, uint32_t device, uint32_t function, uint32_t offset) {
    x86::outl(0xcf8, address(bus, device, function, offset));
    return x86::inl(0xcfc);
}
void write(uint32_t bus, uint32_t device, uint32_t function, uint32_t offset, uint32_t value) {
    x86::outl(0xcf8, address(bus, device, function, offset));
    x86::outl(0xcfc, value);
}

unsigned disable_function(uint32_t bus, uint32_t device, uint32_t function) {
    const uint32_t command = read(bus, device, function, reg_command);
    if ((command & command_bus_master) == 0) {
        return 0;
    }
    // The upper half is status, whose bits clear when written as one: write zeros there.
    write(bus, device, function, reg_command, command & 0xffff & ~command_bus_master);
    return 1;
}

// The walk follows bridges, so that only buses that exist are read: each read is slow.
unsigned disable_bus(uint32_t bus, unsigned depth) {
    unsigned disabled = 0;
    for (uint32_t device = 0; device < 32; ++device) {
        for (uint32_t function = 0; function < 8; ++function) {
            if (read(bus, device, function, reg_id) == ~0U) {
                if (function == 0) {
                    break;
                }
                continue;
            }
            const uint32_t header = read(bus, device, function, reg_header) >> 16;
            disabled += disable_function(bus, device, function);
            if ((header & 0x7f) == 1 && depth < 8) {
                const uint32_t secondary = (read(bus, device, function, reg_buses) >> 8) & 0xff;
                disabled += secondary > bus ? disable_bus(secondary, depth + 1) : 0;
            }
            if (function == 0 && (header & 0x80) == 0) {
                break;
            }
        }
    }
    return disabled;
}

}  // namespace

unsigned pci_disable_bus_masters() {
    return disable_bus(0, 0);
}

}  // namespace hv::dev
