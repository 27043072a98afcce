// SPDX-License-Identifier: Apache-2.0
// StopSignals: while it lives, SIGINT, SIGTERM and SIGHUP do not end us but make a descriptor
// readable, so that what we started can be ended first.
#pragma once

#include "images/qemu/failure.hpp"
#include "images/qemu/unique_fd.hpp"

#include <csignal>
#include <utility>

namespace images {

class StopSignals {
  public:
    static Outcome<StopSignals> block();
    StopSignals(StopSignals&& other) noexcept : before_{other.before_}, fd_{std::move(other.fd_)} {}
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;
    // A signal that came in the meantime is taken as dealt with.
    ~StopSignals();

    [[nodiscard]] int fd() const { return fd_.get(); }
    // One has come. It stays to be read from fd().
    [[nodiscard]] bool has_come() const;

  private:
    StopSignals(sigset_t before, UniqueFd fd) : before_{before}, fd_{std::move(fd)} {}

    sigset_t before_;
    UniqueFd fd_;
};

}  // namespace images
