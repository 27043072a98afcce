// SPDX-License-Identifier: Apache-2.0
// The machine that `gantry boot` starts, as options and as QEMU's command line.
#pragma once

#include "images/qemu/boot_set.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace images {

enum class TpmKind : uint8_t { None, Tis };

struct MachineOptions {
    std::string qemu = "qemu-system-x86_64";
    unsigned cpus = 2;
    uint64_t memory_mib = 1024;
    TpmKind tpm = TpmKind::Tis;
    std::string pcr_banks = "sha256";
    // An emulator that already listens there takes the place of our own swtpm.
    std::optional<std::filesystem::path> tpm_socket;
    bool read_swtpm_pcrs = false;                 // after the machine has ended
    std::optional<std::chrono::seconds> timeout;  // none: waits for ever
    std::optional<uint16_t> gdb_port;          // waits for a debugger before the first instruction
    std::vector<std::string> extra_arguments;  // for QEMU, at the end
};

// Names of the files in the directory where QEMU runs. They are links: so a path with a space or a
// comma, which the multiboot loader of QEMU cannot take, does no harm.
inline constexpr const char* hypervisor_link = "hv";
std::string module_link(size_t index);

std::vector<std::string> qemu_command(const MachineOptions& options, const BootSet& set);

}  // namespace images
