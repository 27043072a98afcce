// SPDX-License-Identifier: Apache-2.0
// Mistakes that a PV kernel does not survive, one for each word on the command line. The domain
// ends as crashed; that others go on, the scenario sees.
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/memory.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"
#include "tests/guest/pv/rt/user.hpp"

USER_PROGRAM(user_ud2);

namespace {

using namespace pv;

void without_stack(uint64_t stack) {
    start_user();
    if (hypercall(Hypercall::stack_switch, 0xe02b, stack) != 0) {
        fail("stack_switch does not look at the stack");
    }
    run_user(user_state(user_ud2));
}

}  // namespace

void pv::run() {
    // At once, not by the ring, which goes with the domain.
    static constexpr char goodbye[] = "goodbye\n";
    hypercall(Hypercall::console_io, 0, sizeof(goodbye) - 1, +goodbye);
    if (has_option("no_stack")) {
        without_stack(not_mapped);
    } else if (has_option("no_canonical_stack")) {
        without_stack(not_canonical);
    } else if (has_option("hypervisors_stack")) {
        without_stack(hypervisors);
    } else if (has_option("no_handler")) {
        hypercall(Hypercall::set_trap_table, uint64_t{0});
        asm volatile("ud2");
    } else if (has_option("no_tables")) {
        const uint64_t root = root_mfn();
        mmuext(4, root);  // unpinned, and handed back while in use
        uint64_t list[1] = {root};
        reserve(decrease, list);
    }
    fail("the kernel has survived");
}
