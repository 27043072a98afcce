// SPDX-License-Identifier: Apache-2.0
#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"

namespace rt {
namespace {

// [xen-pub] xen.h, sched.h.
constexpr uint64_t hypercall_console_io = 18;
constexpr uint64_t consoleio_write = 0;
constexpr uint64_t hypercall_sched_op = 29;
constexpr uint64_t schedop_shutdown = 2;

}  // namespace

void write(std::string_view text) {
    hypercall(hypercall_console_io, consoleio_write, text.size(), address_of(text.data()));
}

void shutdown(ShutdownReason reason) {
    while (true) {
        hypercall(hypercall_sched_op, schedop_shutdown, address_of(&reason));
    }
}

}  // namespace rt
