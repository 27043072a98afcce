// SPDX-License-Identifier: Apache-2.0
// hv::panic for host tests: says where, and aborts, so that death tests see it.
#include "hv/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

void hv::panic(const char* file, int line, const char* what) {
    std::fprintf(stderr, "panic: %s:%d: %s\n", file, line, what);
    std::abort();
}
