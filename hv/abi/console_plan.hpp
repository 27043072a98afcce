// SPDX-License-Identifier: Apache-2.0
// The console service's start-info module: which PV console it drains through which port. Written
// by domB, read by domb/services/console. The hypervisor has connected the ports and granted the
// rings (grant entry 0 of each domain) from the same plan, in the order of the launch graph: the
// console service's ports are console_first_port, console_first_port + 1, ... for the domains that
// do not have the role console themselves.
#pragma once

#include <cstdint>

namespace hv::abi {

inline constexpr uint32_t console_plan_magic = 0x4e4f4347;  // "GCON"

inline constexpr uint32_t console_first_port = 1;

// console_io command of ours, for the domain with the role console only: the arguments are
// (command, domid << 32 | byte count, buffer), and the bytes go out as that domain's.
inline constexpr uint32_t consoleio_write_for = 0x100;

struct ConsolePlanEntry {
    uint16_t domid;  // whose console
    uint16_t pad;
    uint32_t local_port;  // of the console service; the far end is the domain's CONSOLE_EVTCHN
};

struct ConsolePlan {
    uint32_t magic;
    uint32_t count;
    // `count` ConsolePlanEntry follow.
};

}  // namespace hv::abi
