// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/pci.hpp"

#include "hv/dev/pci_walk.hpp"
#include "hv/x86/instructions.hpp"

namespace hv::dev {

namespace {

// Configuration mechanism #1.
struct Ports {
    static void select(PciFunction at, uint32_t offset) {
        x86::outl(0xcf8, 1U << 31 | at.bus << 16 | at.device << 11 | at.function << 8 | offset);
    }
    static uint32_t read(PciFunction at, uint32_t offset) {
        select(at, offset);
        return x86::inl(0xcfc);
    }
    static void write(PciFunction at, uint32_t offset, uint32_t value) {
        select(at, offset);
        x86::outl(0xcfc, value);
    }
};

}  // namespace

unsigned pci_disable_bus_masters() {
    return BusMasters{Ports{}}.disable_all();
}

}  // namespace hv::dev
