// SPDX-License-Identifier: Apache-2.0
// The runtime alone, on QEMU's own PVH entry: it reaches C++ and prints, and its trap handler
// reports a write to code and ends the domain as crashed. run.sh beside it looks for both.
#include "domb/rt/main.hpp"

#include "domb/rt/platform.hpp"

void rt::domain_main(uint64_t start_info) {
    rt::write(start_info != 0 ? "reached C++\n" : "no start info\n");
    // SAFETY: none: the write must fault.
    *reinterpret_cast<volatile char*>(&rt::domain_main) = 0;
    rt::write("code is writable\n");
}
