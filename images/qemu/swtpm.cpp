// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/swtpm.hpp"

#include "images/qemu/tpm_channel.hpp"

#include <chrono>
#include <system_error>
#include <thread>

namespace images {

namespace {

using namespace std::chrono_literals;
using std::filesystem::path;

Outcome<void> make_state(const path& directory, const std::string& banks, int stop) {
    std::error_code error;
    std::filesystem::create_directory(directory / "tpm", error);
    const auto setup = TRY(run_program(
        {.arguments = {"swtpm_setup", "--tpm2", "--tpmstate", (directory / "tpm").string(),
                       "--lock-nvram", "--pcr-banks", banks},
         .directory = directory},
        30s, stop));
    if (setup.status != 0) {
        return hv::Err{Failure{"swtpm_setup failed: " + setup.text}};
    }
    return hv::Ok{};
}

// The socket appears when swtpm listens.
Outcome<void> wait_for_socket(ChildProcess& process, const path& socket,
                              const StopSignals& signals) {
    for (int i = 0; i < 1000 && !process.poll_status() && !signals.has_come(); ++i) {
        std::error_code error;
        if (std::filesystem::exists(socket, error)) {
            return hv::Ok{};
        }
        std::this_thread::sleep_for(5ms);
    }
    return hv::Err{Failure{"swtpm does not open its socket"}};
}

}  // namespace

Outcome<Swtpm> Swtpm::start(const path& directory, const std::string& banks,
                            const StopSignals& signals) {
    TRY(make_state(directory, banks, signals.fd()));
    // Without --terminate it outlives QEMU's connection, so that its PCRs can be read afterwards.
    ChildProcess process = TRY(ChildProcess::start(
        {.arguments = {"swtpm", "socket", "--tpm2", "--tpmstate", "dir=tpm", "--ctrl",
                       std::string{"type=unixio,path="} + socket_name},
         .directory = directory}));
    TRY(wait_for_socket(process, directory / socket_name, signals));
    return Swtpm{std::move(process), directory / socket_name};
}

Outcome<std::string> Swtpm::read_pcrs() const {
    const TpmChannel channel = TRY(TpmChannel::open(socket_));
    return channel.read_pcrs();
}

}  // namespace images
