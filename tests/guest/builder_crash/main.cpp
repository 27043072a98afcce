// SPDX-License-Identifier: Apache-2.0
// A domB that dies in *prepare*. Used in place of domb.bin by the test of what hv does then. It
// asks for the launch info first, so that it ends as the builder and not before it was one.
#include "domb/rt/main.hpp"

#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"
#include "hv/abi/launch_op.hpp"

void rt::domain_main(uint64_t /*start_info*/) {
    static constinit hv::abi::LaunchInfo info{};
    hypercall(Hypercall::arch_7, hv::abi::LaunchOp::GetInfo, &info);
    write("the builder crashes now\n");
    shutdown(ShutdownReason::SHUTDOWN_crash);
}
