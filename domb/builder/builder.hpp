// SPDX-License-Identifier: Apache-2.0
// The builder's whole job, free of hardware: main.cpp gives it the real hypervisor, modules and
// TPM, the unit tests their fakes.
#pragma once

#include "domb/builder/hypervisor.hpp"
#include "domb/builder/measurement.hpp"
#include "domb/builder/modules.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace builder {

struct Job {
    const launch::LaunchGraph& graph;
    Hypervisor& hypervisor;
    Modules& modules;
    Measurement& measurement;
    std::span<std::byte> tables;  // scratch, see construct()
    uint64_t tpm_log_bytes = 0;   // for the domain with the role tpm; 0 without a TPM
};

enum class Outcome : uint8_t {
    Capped,  // every domain is decided; domB may power off
    Failed,  // the launch must not go on: domB must end as crashed, so that hv caps with an error
};

// Builds every domain of the plan in manifest order, then caps.
Outcome build_all(const Job& job);

}  // namespace builder
