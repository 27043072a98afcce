// SPDX-License-Identifier: Apache-2.0
// From a checked manifest and its prepared files to the boot modules: the last step that decides
// anything. What it returns is what hv and domB will see.
#pragma once

#include "launch-config/model/artifacts.hpp"

namespace launch::model {

// The programs that every launch brings along.
struct Services {
    Bytes builder;     // domB, a flat binary
    Bytes console;     // ELF image of the console service
    Bytes xenstore{};  // ELF image of the Xenstore service; may be empty if the manifest has none
    Bytes launcher{};  // ELF image of the launcher; may be empty if the manifest needs none
};

struct Module {
    std::string name;
    Bytes bytes;
};

// The boot modules by index: 0 is the LCM. The graph is decoded from it and views its bytes, so
// moving a Plan is fine and copying it is not offered.
struct Plan {
    Plan() = default;
    Plan(Plan&&) = default;
    Plan& operator=(Plan&&) = default;
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    std::vector<Module> modules;
    LaunchGraph graph;
    MachineSpec machine;  // what the manifest says; for `gantry boot`, in no module
};

// What exceeds the limits of a launch (module count) is added to `diagnostics`; then the result
// means nothing.
Plan assemble(const Manifest& manifest, const std::vector<PreparedDomain>& prepared,
              Services services, Diagnostics& diagnostics);

// Whether `machine_bytes` can hold the plan: its domains, the modules twice (as loaded and as domB
// copies them) and a fixed allowance for the hypervisor. An estimate for early warning; hv computes
// exactly.
void check_machine_memory(const Manifest& manifest, const Plan& plan, Diagnostics& diagnostics);

}  // namespace launch::model
