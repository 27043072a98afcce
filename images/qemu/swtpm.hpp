// SPDX-License-Identifier: Apache-2.0
// Swtpm: a software TPM 2.0 for one machine, new at every start. QEMU connects to its socket.
#pragma once

#include "images/qemu/child_process.hpp"
#include "images/qemu/failure.hpp"
#include "images/qemu/signals.hpp"

#include <filesystem>
#include <string>
#include <utility>

namespace images {

class Swtpm {
  public:
    // The socket's name in the directory that start() was given.
    static constexpr const char* socket_name = "tpm.sock";

    // `banks` as swtpm_setup wants them, e.g. "sha1,sha256". State and socket go into `directory`.
    // Gives up when a signal comes.
    static Outcome<Swtpm> start(const std::filesystem::path& directory, const std::string& banks,
                                const StopSignals& signals);

    // Values of all PCRs in all banks, lines "bank index hex" like evidence/pcrs. Only after QEMU
    // has gone: it owns the command channel while it runs.
    [[nodiscard]] Outcome<std::string> read_pcrs() const;

  private:
    Swtpm(ChildProcess process, std::filesystem::path socket)
        : process_{std::move(process)}, socket_{std::move(socket)} {}

    ChildProcess process_;
    std::filesystem::path socket_;
};

}  // namespace images
