// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/machine.hpp"

#include "images/qemu/child_process.hpp"
#include "images/qemu/emulator.hpp"
#include "images/qemu/machine_watch.hpp"
#include "images/qemu/monitor.hpp"
#include "images/qemu/signals.hpp"
#include "images/qemu/swtpm.hpp"
#include "images/qemu/temporary_directory.hpp"

#include <system_error>

namespace images {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto time_to_end = 2s;       // for QEMU after its output has ended or the machine is off
constexpr auto time_to_pause = 100ms;  // after machine-off, when QEMU will not end by itself

Outcome<void> link_files(const std::filesystem::path& directory, const BootSet& set) {
    std::error_code error;
    std::filesystem::create_symlink(set.hypervisor, directory / hypervisor_link, error);
    for (size_t i = 0; i < set.modules.size() && !error; ++i) {
        std::filesystem::create_symlink(set.modules[i], directory / module_link(i), error);
    }
    if (error) {
        return hv::Err{Failure{directory.string() + ": " + error.message()}};
    }
    return hv::Ok{};
}

Outcome<MachineRun> run_qemu(const MachineOptions& options, const BootSet& set,
                             const std::filesystem::path& directory, const StopSignals& signals,
                             Transcript& transcript, Outlets* outlets) {
    MachineRun run;
    run.begin = steady_clock::now();
    ChildProcess qemu = TRY(ChildProcess::start({.arguments = qemu_command(options, set),
                                                 .directory = directory,
                                                 .has_input = outlets != nullptr}));
    MachineWatch watch{
        {.qemu = qemu, .signals = signals, .transcript = transcript, .outlets = outlets},
        options.timeout,
        options.read_swtpm_pcrs ? time_to_pause : time_to_end};
    run.stop = watch.run();
    if (run.stop == Stop::MachineEnded) {
        run.qemu_status = qemu.wait(options.read_swtpm_pcrs ? 0ms : time_to_end);
    }
    if (run.stop == Stop::TimedOut) {
        run.registers = read_registers(directory / monitor_socket);
    }
    watch.drain();
    transcript.finish();
    run.duration = steady_clock::now() - run.begin;
    run.qemu_messages = watch.take_messages();
    return run;
}

// What there is before the machine starts.
struct Prepared {
    std::string emulator;
    std::optional<Swtpm> swtpm{};
};

Outcome<Prepared> prepare(const MachineOptions& options, const std::filesystem::path& directory,
                          const StopSignals& signals) {
    Prepared prepared{.emulator = TRY(name_emulator(options.qemu, signals.fd()))};
    if (options.tpm != TpmKind::None && !options.tpm_socket) {
        prepared.swtpm.emplace(TRY(Swtpm::start(directory, options.pcr_banks, signals)));
    }
    return prepared;
}

}  // namespace

Outcome<MachineRun> run_machine(const MachineOptions& options, const BootSet& set,
                                Transcript& transcript, Outlets* outlets) {
    // First, so that from here on Ctrl-C does not leave the directory behind.
    const StopSignals signals = TRY(StopSignals::block());
    const TemporaryDirectory directory = TRY(TemporaryDirectory::create());
    TRY(link_files(directory.path(), set));
    auto prepared = prepare(options, directory.path(), signals);
    if (!prepared.ok() && signals.has_come()) {
        transcript.finish();
        return MachineRun{.stop = Stop::Interrupted, .begin = steady_clock::now()};
    }
    const Prepared before = TRY(std::move(prepared));
    MachineRun run = TRY(run_qemu(options, set, directory.path(), signals, transcript, outlets));
    run.emulator = before.emulator;
    if (options.read_swtpm_pcrs && before.swtpm) {
        run.swtpm_pcrs = TRY(before.swtpm->read_pcrs());
    }
    return run;
}

}  // namespace images
