// SPDX-License-Identifier: Apache-2.0
// ASSERT states an invariant and is kept in release; PANIC stops the program. Neither may be
// reached by bytes from outside. Each program defines hv::panic once.
#pragma once

namespace hv {

[[noreturn]] void panic(const char* file, int line, const char* what);

}  // namespace hv

#define PANIC(what) ::hv::panic(__FILE__, __LINE__, what)
#define ASSERT(condition)                                \
    do {                                                 \
        if (!(condition)) [[unlikely]] {                 \
            ::hv::panic(__FILE__, __LINE__, #condition); \
        }                                                \
    } while (false)
