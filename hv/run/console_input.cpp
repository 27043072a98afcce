// SPDX-License-Identifier: Apache-2.0
#include "hv/run/console_input.hpp"

#include "hv/dev/uart_input.hpp"
#include "hv/domain/domain.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/x86/cpu_local.hpp"

namespace hv::run {

void serve_console_input() {
    bool& is_due = x86::this_cpu().input_is_due;
    if (!is_due) {
        return;
    }
    is_due = false;
    if (!dev::uart_take_input()) {
        return;
    }
    for (domain::Domain* d : domain::all()) {
        if (d->roles.has(launch::Role::Console)) {
            event::send_global_virq(*d, abi::Virq::VIRQ_CONSOLE);
        }
    }
}

}  // namespace hv::run
