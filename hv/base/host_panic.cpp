// SPDX-License-Identifier: Apache-2.0
// hv::panic of host programs: says where, and aborts.
#include "hv/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

void hv::panic(const char* file, int line, const char* what) {
    std::fprintf(stderr, "%s:%d: bug: %s\n", file, line, what);
    std::abort();
}
