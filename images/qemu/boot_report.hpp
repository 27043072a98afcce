// SPDX-License-Identifier: Apache-2.0
// BootReport: what `gantry boot` says at the end: the timeline, how each domain ended, and whether
// the machine did what its plan promised. Judges only what the launch record says; evidence is the
// verifier's.
#pragma once

#include "images/qemu/boot_output.hpp"
#include "images/qemu/machine.hpp"
#include "images/qemu/outlets.hpp"

#include <string>
#include <vector>

namespace images {

struct BootReport {
    const MachineRun& run;
    const Transcript& transcript;
    const BootOutput& output;
    const Outlets& outlets;
    std::vector<std::string> evidence{};         // names that were stored
    std::vector<std::string> evidence_faults{};  // sentences

    // The record's last word is that every domain ended as expected.
    [[nodiscard]] bool is_ok() const;
    // "ok", "unexpected", "failed", "timeout", "interrupted" or "no-verdict" (the machine ended
    // without a last word).
    [[nodiscard]] std::string status() const;
};

// Events with their time, first what happened, then to whom; then who waited for whom.
std::string timeline_to_text(const BootReport& report);
// One line per domain, what went wrong, the emulator, and the status.
std::string report_to_text(const BootReport& report);
std::string report_to_json(const BootReport& report);

}  // namespace images
