// SPDX-License-Identifier: Apache-2.0
// PCI configuration by ports 0xcf8/0xcfc, as far as the hypervisor needs it: nothing may do DMA
// before everything is measured.
#pragma once

#include <cstdint>

namespace hv::dev {

// Clears bus mastering on every function of every bus of segment 0, the one that these ports reach;
// returns how many functions had it on.
unsigned pci_disable_bus_masters();

}  // namespace hv::dev
