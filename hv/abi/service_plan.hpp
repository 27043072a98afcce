// SPDX-License-Identifier: Apache-2.0
// The plan of a service, its last start-info module: which domains it serves, each through which
// port. Written by domB, read by domb/services. The hypervisor has connected the ports and granted
// the ring pages (grant entry 0 of each domain: its console, 1: Xenstore) from the same launch
// graph, in its order: a service's ports are the first of its kind and those that follow, for the
// domains that do not have the service's role themselves.
#pragma once

#include <cstdint>

namespace hv::abi {

inline constexpr uint32_t console_plan_magic = 0x4e4f4347;   // "GCON"
inline constexpr uint32_t xenstore_plan_magic = 0x50535847;  // "GXSP"

// In each domain that is served.
inline constexpr uint32_t console_port = 1;
inline constexpr uint32_t xenstore_port = 2;
// In the service.
inline constexpr uint32_t console_first_port = 8;
inline constexpr uint32_t xenstore_first_port = 64;

// console_io commands of ours, for the domain with the role console only. The arguments are
// (command, channel << 48 | domid << 32 | byte count, buffer). The bytes go out as that domain's;
// without a buffer, the host hears that it may send so many bytes (at most 0xffff) more for it.
// What it sends, CONSOLEIO_read takes, in the frames of uart_frame.hpp; VIRQ_CONSOLE says when.
inline constexpr uint32_t consoleio_write_for = 0x100;
inline constexpr uint32_t consoleio_room_for = 0x101;

// RAM that the Xenstore service needs: for itself, and for each domain that it serves. What its
// initial tree takes as a module comes on top.
inline constexpr uint64_t xenstore_own_bytes = 16 << 20;
inline constexpr uint64_t xenstore_bytes_per_domain = 3 << 20;

struct ServicePlanEntry {
    uint16_t domid;  // who is served
    uint16_t pad;
    uint32_t local_port;  // of the service
};

struct ServicePlan {
    uint32_t magic;
    uint32_t count;
    // `count` ServicePlanEntry follow; of the console service, a ConsolePatterns then, unless
    // there is nothing to look for.
};

// What the console service looks for in a domain's lines. When it comes, the service writes "1"
// to its node matched/<domid> in Xenstore.
struct ConsolePattern {
    uint16_t domid;
    uint16_t bytes;  // of `text`, 1 to 127
    char text[128];
};

struct ConsolePatterns {
    uint32_t count;
    // `count` ConsolePattern follow.
};

}  // namespace hv::abi
