// SPDX-License-Identifier: Apache-2.0
// What every test guest links: one verdict line on its console, then power off.
//     RESULT pass | skip REASON | error REASON | fail REASON
// `error` means that the test or its surroundings are wrong, `fail` that the product is.
#pragma once

#include "domb/rt/start_info.hpp"
#include "hv/base/text.hpp"

#include <cstdint>
#include <string_view>

namespace guest {

// The test itself, in its main.cpp. Returning is a pass.
void run(const rt::StartInfo& info);

[[noreturn]] void pass();
[[noreturn]] void skip(std::string_view reason);
[[noreturn]] void error(std::string_view reason);
[[noreturn]] void fail(std::string_view reason);

// Fails with the number, in hexadecimal, behind the reason.
[[noreturn]] void fail(std::string_view reason, uint64_t number);

// The number behind `key=` on the command line.
uint64_t option(const rt::StartInfo& info, std::string_view key, uint64_t otherwise);

void print(std::string_view text);

// Nanoseconds of the TSC clock.
uint64_t now_ns();

// Reads one byte or word of guest physical memory that may not be there.
inline uint64_t peek(uint64_t gpaddr) {
    // SAFETY: identity mapping up to 4 GiB; what is not there reads as all ones.
    return *reinterpret_cast<const volatile uint64_t*>(gpaddr);
}
inline void poke(uint64_t gpaddr, uint64_t value) {
    // SAFETY: as above; the test says what it overwrites.
    *reinterpret_cast<volatile uint64_t*>(gpaddr) = value;
}

}  // namespace guest
