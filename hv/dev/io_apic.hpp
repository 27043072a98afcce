// SPDX-License-Identifier: Apache-2.0
// The I/O APIC: brings the one interrupt of a device that the hypervisor takes, the UART's, to a
// CPU. Everything else stays masked, as firmware leaves it. [82093AA]
#pragma once

#include "hv/base/address.hpp"
#include "hv/x86/traps.hpp"

#include <cstdint>

namespace hv::dev {

// Where an interrupt of the ISA arrives. From the MADT.
struct InterruptRoute {
    Paddr io_apic{};
    uint32_t pin = 0;
    bool is_active_low = false;
    bool is_level = false;
};

// The low half of a redirection entry: fixed delivery to one physical CPU, not masked.
constexpr uint32_t redirection_of(const InterruptRoute& route, x86::HostVector vector) {
    constexpr uint32_t active_low = 1U << 13;
    constexpr uint32_t level = 1U << 15;
    return static_cast<uint32_t>(vector) | (route.is_active_low ? active_low : 0) |
           (route.is_level ? level : 0);
}

// From now on the interrupt comes to the CPU with that APIC id. False: there is no such pin. The
// I/O APIC's page is mapped uncached.
bool io_apic_route(const InterruptRoute& route, uint32_t apic_id, x86::HostVector vector);

}  // namespace hv::dev
