// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/machine_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include <sys/socket.h>
#include <unistd.h>

namespace images {

namespace {

using std::chrono::steady_clock;

constexpr size_t max_messages = 64 << 10;

}  // namespace

MachineWatch::MachineWatch(const Parts& parts, std::optional<std::chrono::seconds> limit,
                           std::chrono::milliseconds time_after_off)
    : parts_{parts}, time_after_off_{time_after_off} {
    if (limit) {
        deadline_ = steady_clock::now() + *limit;
    }
}

Stop MachineWatch::run() {
    while (is_open()) {
        if (wait(wait_ms()) < 0 && errno != EINTR) {
            break;
        }
        if (fds_[stop].revents != 0) {
            return Stop::Interrupted;
        }
        take(output);
        take(errors);
        if (parts_.outlets != nullptr) {
            parts_.outlets->serve(fds_);
            send();
        }
        if (is_off_for_good()) {
            break;
        }
        if (deadline_ && steady_clock::now() >= *deadline_) {
            return Stop::TimedOut;
        }
    }
    return Stop::MachineEnded;
}

void MachineWatch::drain() {
    parts_.qemu.kill();
    while (is_open()) {
        look_at_outputs();
        ::poll(fds_.data(), fds_.size(), -1);
        take(output);
        take(errors);
    }
}

void MachineWatch::look_at_outputs() {
    // poll ignores what is negative.
    fds_.clear();
    fds_.push_back({is_open_[output] ? parts_.qemu.output() : -1, POLLIN, 0});
    fds_.push_back({is_open_[errors] ? parts_.qemu.errors() : -1, POLLIN, 0});
}

int MachineWatch::wait(int limit_ms) {
    look_at_outputs();
    fds_.push_back({parts_.signals.fd(), POLLIN, 0});
    if (parts_.outlets != nullptr) {
        const bool has_input = is_open_[input] && !parts_.outlets->to_machine().empty();
        fds_.push_back({has_input ? parts_.qemu.input() : -1, POLLOUT, 0});
        parts_.outlets->add_to(fds_);
    }
    return ::poll(fds_.data(), fds_.size(), limit_ms);
}

int MachineWatch::wait_ms() const {
    auto until = deadline_;
    if (off_) {
        until = std::min(until.value_or(*off_), *off_);
    }
    if (!until) {
        return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - steady_clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT_MAX));
}

void MachineWatch::take(Index which) {
    if (!is_open_[which] || fds_[which].revents == 0) {
        return;
    }
    std::array<char, 16 << 10> buffer{};
    const ssize_t size = ::read(fds_[which].fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) {
        return;
    }
    if (size <= 0) {
        is_open_[which] = false;
        return;
    }
    const std::string_view bytes{buffer.data(), static_cast<size_t>(size)};
    if (which == output) {
        parts_.transcript.feed(bytes);
    } else if (messages_.size() < max_messages) {
        messages_ += bytes;
    }
}

// What somebody has written into an outlet, on its way to the UART.
void MachineWatch::send() {
    std::string& bytes = parts_.outlets->to_machine();
    if (bytes.empty() || !is_open_[input]) {
        return;
    }
    // A QEMU that is gone must not end us by a signal.
    const ssize_t sent =
        ::send(parts_.qemu.input(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
        bytes.erase(0, static_cast<size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
        is_open_[input] = false;
    }
}

// With -no-shutdown QEMU stays when its machine is off; the record says when that is.
bool MachineWatch::is_off_for_good() {
    if (!off_ && parts_.transcript.record().machine_off()) {
        off_ = steady_clock::now() + time_after_off_;
    }
    return off_ && steady_clock::now() >= *off_;
}

}  // namespace images
