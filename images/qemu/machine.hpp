// SPDX-License-Identifier: Apache-2.0
// run_machine: starts the TPM and QEMU, hands on what the UART says, and comes back when the
// machine has ended, the time is over or somebody pressed Ctrl-C. Leaves no process and no file
// behind.
#pragma once

#include "images/console/transcript.hpp"
#include "images/qemu/outlets.hpp"
#include "images/qemu/qemu_command.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace images {

enum class Stop : uint8_t {
    MachineEnded,  // QEMU ended by itself
    TimedOut,
    Interrupted,  // SIGINT, SIGTERM or SIGHUP to us
};

struct MachineRun {
    std::string emulator;  // its name and version
    Stop stop = Stop::MachineEnded;
    int qemu_status = 0;                            // as a shell gives it
    std::string qemu_messages;                      // its standard error
    std::chrono::steady_clock::time_point begin{};  // of QEMU
    std::chrono::nanoseconds duration{};
    std::string registers;                  // of its CPUs, when the time was over
    std::optional<std::string> swtpm_pcrs;  // with MachineOptions::read_swtpm_pcrs
};

// `transcript` is fed and finished; `outlets`, which may be null, are served meanwhile. A failure
// means that the machine never ran, or that the TPM did not tell its PCRs.
Outcome<MachineRun> run_machine(const MachineOptions& options, const BootSet& set,
                                Transcript& transcript, Outlets* outlets = nullptr);

}  // namespace images
