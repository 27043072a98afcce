// SPDX-License-Identifier: Apache-2.0
// MachineWatch: the event loop of a machine that runs: QEMU's outputs, its input, our signals, the
// outlets and the time. Used by run_machine.
#pragma once

#include "images/console/transcript.hpp"
#include "images/qemu/child_process.hpp"
#include "images/qemu/machine.hpp"
#include "images/qemu/outlets.hpp"
#include "images/qemu/signals.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>

namespace images {

class MachineWatch {
  public:
    struct Parts {
        ChildProcess& qemu;
        const StopSignals& signals;
        Transcript& transcript;
        Outlets* outlets;  // may be null
    };
    // `time_after_off`: that QEMU gets to end once the record says that the machine is off.
    MachineWatch(const Parts& parts, std::optional<std::chrono::seconds> limit,
                 std::chrono::milliseconds time_after_off);

    Stop run();
    // Ends QEMU and takes what it had already written.
    void drain();
    // Its standard error.
    std::string take_messages() { return std::move(messages_); }

  private:
    using Time = std::chrono::steady_clock::time_point;
    // Where in fds_; those of the outlets follow.
    enum Index : size_t { output, errors, stop, input, count };

    [[nodiscard]] bool is_open() const { return is_open_[output] || is_open_[errors]; }
    void look_at_outputs();
    int wait(int limit_ms);
    [[nodiscard]] int wait_ms() const;
    void take(Index which);
    void send();
    bool is_off_for_good();

    Parts parts_;
    std::chrono::milliseconds time_after_off_;
    bool is_open_[count] = {true, true, true, true};
    std::vector<pollfd> fds_;
    std::string messages_;
    std::optional<Time> deadline_;
    std::optional<Time> off_;
};

}  // namespace images
