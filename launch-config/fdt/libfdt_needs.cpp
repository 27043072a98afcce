// SPDX-License-Identifier: Apache-2.0
// What Debian's libfdt.a needs in a freestanding program beyond the functions of hv/base/cstring.
// __stack_chk_fail is only referenced by functions of the archive that tree.cpp does not call.
#include "hv/base/assert.hpp"

#include <cstddef>

extern "C" {

void* memchr(const void* bytes, int wanted, size_t n) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    for (; n > 0; --n, ++at) {
        if (*at == static_cast<unsigned char>(wanted)) {
            return const_cast<unsigned char*>(at);
        }
    }
    return nullptr;
}

size_t strnlen(const char* s, size_t max) {
    size_t n = 0;
    while (n < max && s[n] != 0) {
        ++n;
    }
    return n;
}

char* strrchr(const char* s, int wanted) {
    const char* found = nullptr;
    for (;; ++s) {
        if (*s == static_cast<char>(wanted)) {
            found = s;
        }
        if (*s == 0) {
            return const_cast<char*>(found);
        }
    }
}

[[noreturn]] void __stack_chk_fail() {
    PANIC("stack canary of libfdt");
}

}  // extern "C"
