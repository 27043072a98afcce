// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/signals.hpp"

#include <cerrno>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace images {

Outcome<StopSignals> StopSignals::block() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        sigaddset(&wanted, signal);
    }
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &wanted, &before);
    UniqueFd fd{::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!fd.is_open()) {
        const int error = errno;
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        return hv::Err{system_failure("signalfd", error)};
    }
    return StopSignals{before, std::move(fd)};
}

bool StopSignals::has_come() const {
    pollfd wanted{fd_.get(), POLLIN, 0};
    return ::poll(&wanted, 1, 0) > 0;
}

StopSignals::~StopSignals() {
    if (fd_.is_open()) {
        signalfd_siginfo info{};
        while (::read(fd_.get(), &info, sizeof info) > 0) {
        }
        ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
}

}  // namespace images
