// SPDX-License-Identifier: Apache-2.0
#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"
#include "hv/abi/xen_console.hpp"

namespace rt {

using hv::abi::ConsoleIo;

void write(std::string_view text) {
    hypercall(Hypercall::console_io, ConsoleIo::CONSOLEIO_write, text.size(), text.data());
}

void shutdown(ShutdownReason reason) {
    const hv::abi::SchedShutdown argument{static_cast<uint32_t>(reason)};
    while (true) {
        hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_shutdown, &argument);
    }
}

}  // namespace rt
