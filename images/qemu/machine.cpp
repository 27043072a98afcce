// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/machine.hpp"

#include "images/qemu/child_process.hpp"
#include "images/qemu/emulator.hpp"
#include "images/qemu/signals.hpp"
#include "images/qemu/swtpm.hpp"
#include "images/qemu/temporary_directory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>

#include <poll.h>
#include <unistd.h>

namespace images {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto time_to_end = 2s;       // for QEMU after its output has ended or the machine is off
constexpr auto time_to_pause = 100ms;  // after machine-off, when QEMU will not end by itself
constexpr size_t max_messages = 64 << 10;

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

// The event loop over QEMU's outputs, our signals and the time.
class Watch {
  public:
    Watch(const MachineOptions& options, ChildProcess& qemu, const StopSignals& signals,
          Transcript& transcript)
        : qemu_{qemu},
          transcript_{transcript},
          time_after_off_{options.read_swtpm_pcrs ? time_to_pause : time_to_end} {
        fds_[output] = {qemu.output(), POLLIN, 0};
        fds_[errors] = {qemu.errors(), POLLIN, 0};
        fds_[stop] = {signals.fd(), POLLIN, 0};
        if (options.timeout) {
            deadline_ = steady_clock::now() + *options.timeout;
        }
    }

    Stop run() {
        while (fds_[output].fd >= 0 || fds_[errors].fd >= 0) {
            if (::poll(fds_.data(), fds_.size(), wait_ms()) < 0 && errno != EINTR) {
                break;
            }
            if (fds_[stop].revents != 0) {
                return Stop::Interrupted;
            }
            take(output);
            take(errors);
            if (is_off_for_good()) {
                break;
            }
            if (deadline_ && steady_clock::now() >= *deadline_) {
                return Stop::TimedOut;
            }
        }
        return Stop::MachineEnded;
    }

    // What QEMU had already written when it was ended.
    void drain() {
        qemu_.kill();
        while (fds_[output].fd >= 0 || fds_[errors].fd >= 0) {
            ::poll(fds_.data(), stop, -1);
            take(output);
            take(errors);
        }
    }

    std::string messages;

  private:
    enum Index : size_t { output, errors, stop, count };

    [[nodiscard]] int wait_ms() const {
        auto until = deadline_;
        if (off_) {
            until = std::min(until.value_or(*off_), *off_);
        }
        if (!until) {
            return -1;
        }
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(*until - steady_clock::now());
        return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT_MAX));
    }

    void take(Index which) {
        if (fds_[which].fd < 0 || fds_[which].revents == 0) {
            return;
        }
        std::array<char, 16 << 10> buffer{};
        const ssize_t size = ::read(fds_[which].fd, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) {
            return;
        }
        if (size <= 0) {
            fds_[which].fd = -1;  // poll ignores it from now on
            return;
        }
        const std::string_view bytes{buffer.data(), static_cast<size_t>(size)};
        if (which == output) {
            transcript_.feed(bytes);
        } else if (messages.size() < max_messages) {
            messages += bytes;
        }
    }

    // With -no-shutdown QEMU stays when its machine is off; the record says when that is.
    bool is_off_for_good() {
        if (!off_ && transcript_.record().machine_off()) {
            off_ = steady_clock::now() + time_after_off_;
        }
        return off_ && steady_clock::now() >= *off_;
    }

    ChildProcess& qemu_;
    Transcript& transcript_;
    std::chrono::milliseconds time_after_off_;
    std::array<pollfd, count> fds_{};
    std::optional<steady_clock::time_point> deadline_;
    std::optional<steady_clock::time_point> off_;
};

Outcome<MachineRun> run_qemu(const MachineOptions& options, const BootSet& set,
                             const std::filesystem::path& directory, const StopSignals& signals,
                             Transcript& transcript) {
    MachineRun run;
    run.begin = steady_clock::now();
    ChildProcess qemu =
        TRY(ChildProcess::start({.arguments = qemu_command(options, set), .directory = directory}));
    Watch watch{options, qemu, signals, transcript};
    run.stop = watch.run();
    if (run.stop == Stop::MachineEnded) {
        run.qemu_status = qemu.wait(options.read_swtpm_pcrs ? 0ms : time_to_end);
    }
    watch.drain();
    transcript.finish();
    run.duration = steady_clock::now() - run.begin;
    run.qemu_messages = std::move(watch.messages);
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
                                Transcript& transcript) {
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
    MachineRun run = TRY(run_qemu(options, set, directory.path(), signals, transcript));
    run.emulator = before.emulator;
    if (options.read_swtpm_pcrs && before.swtpm) {
        run.swtpm_pcrs = TRY(before.swtpm->read_pcrs());
    }
    return run;
}

}  // namespace images
