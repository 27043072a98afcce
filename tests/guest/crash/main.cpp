// SPDX-License-Identifier: Apache-2.0
// Ends in the way its command line asks for: how=0 by an exception that its runtime reports as
// SHUTDOWN_crash, how=1 by a triple fault, how=2 by a reboot.
#include "domb/rt/instructions.hpp"
#include "domb/rt/platform.hpp"
#include "tests/guest/harness/guest.hpp"

void guest::run(const rt::StartInfo& info) {
    switch (option(info, "how", 0)) {
        case 0:
            break;
        case 1:
            print("triple fault follows\n");
            rt::load_idt({.limit = 0, .base = 0});
            break;
        case 2:
            rt::shutdown(rt::ShutdownReason::SHUTDOWN_reboot);
        default:
            error("how is 0, 1 or 2");
    }
    // SAFETY: none: this must fault.
    asm volatile("ud2");
}
