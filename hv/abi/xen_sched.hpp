// SPDX-License-Identifier: Apache-2.0
// Arguments of sched_op. [xen-pub] sched.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

enum class SchedOp : uint32_t {
    SCHEDOP_yield = 0,
    SCHEDOP_block = 1,
    SCHEDOP_shutdown = 2,
    SCHEDOP_poll = 3,
    SCHEDOP_remote_shutdown = 4,
    SCHEDOP_shutdown_code = 5,
    SCHEDOP_watchdog = 6,
    SCHEDOP_pin_override = 7,
};

enum class ShutdownReason : uint32_t {
    SHUTDOWN_poweroff = 0,
    SHUTDOWN_reboot = 1,
    SHUTDOWN_suspend = 2,
    SHUTDOWN_crash = 3,
    SHUTDOWN_watchdog = 4,
    SHUTDOWN_soft_reset = 5,
};

struct SchedShutdown {
    uint32_t reason;  // ShutdownReason
};

struct SchedPoll {
    uint64_t ports;     // 00  handle of uint32_t
    uint32_t nr_ports;  // 08
    uint32_t rsvd_00c;
    uint64_t timeout;  // 10  system time in ns, 0: none
};
static_assert(sizeof(SchedPoll) == 24);

struct SchedRemoteShutdown {
    uint16_t domain_id;
    uint16_t rsvd_002;
    uint32_t reason;
};

}  // namespace hv::abi
