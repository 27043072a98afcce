// SPDX-License-Identifier: Apache-2.0
// The launcher's plan, its last start-info module: every domain of the launch graph, in its order.
// Written by domB (domb/builder), read by domb/services/launcher. The launcher's other rights are
// two of Xen's domctls (xen_domctl.hpp) and three commands of ours (launch_op.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

inline constexpr uint32_t launcher_plan_magic = 0x55414c47;  // "GLAU"
inline constexpr size_t launcher_plan_max_devices = 16;      // of one domain: disks, nets, channels

// Where a back end's state is: /local/domain/<backend>/backend/<kind>/<domid>/<id>/state.
enum class LauncherPlanDeviceKind : uint8_t { vbd = 0, vif = 1, console = 2 };

struct LauncherPlanDevice {
    uint32_t id;
    uint16_t backend;  // domid
    LauncherPlanDeviceKind kind;
    uint8_t pad;
};
static_assert(sizeof(LauncherPlanDevice) == 8);

// Texts end with a NUL, or where they are full.
struct LauncherPlanEntry {
    uint16_t domid;
    uint8_t is_held;      // 1: hv has not started it, the launcher may
    uint8_t is_recovery;  // 1: it starts by LaunchOp::Recover alone
    uint8_t is_service;   // 1: its life is expected to end never
    uint8_t ready_when;   // launch::ReadyWhen
    uint8_t on_failure;   // launch::Policy
    uint8_t on_crash;     // launch::Policy
    uint32_t after;       // bit n: it waits for entry n
    uint32_t timeout_ms;
    uint32_t device_count;  // of `devices` in use: those that it has
    uint32_t pad;
    LauncherPlanDevice devices[launcher_plan_max_devices];
    char name[64];
    char path[64];  // where the manifest describes it, perhaps cut
    char ready_path[128];
    char ready_text[128];
};
static_assert(sizeof(LauncherPlanEntry) == 24 + 128 + 384);

struct LauncherPlan {
    uint32_t magic;
    uint32_t count;
    uint16_t console;   // domid of who drains the consoles, 0: nobody
    uint16_t xenstore;  // domid of who answers Xenstore rings, 0: nobody
    uint32_t pad;
    // `count` LauncherPlanEntry follow.
};

}  // namespace hv::abi
