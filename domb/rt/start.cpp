// SPDX-License-Identifier: Apache-2.0
// From entry.S to the program, and the one way out when an invariant does not hold.
#include "domb/rt/address_space.hpp"
#include "domb/rt/main.hpp"
#include "domb/rt/platform.hpp"
#include "domb/rt/traps.hpp"
#include "hv/base/assert.hpp"
#include "hv/base/text.hpp"

extern "C" [[noreturn]] void rt_start(uint64_t start_info);

void rt_start(uint64_t start_info) {
    rt::start_traps();
    rt::protect_image();
    rt::domain_main(start_info);
    rt::shutdown(rt::ShutdownReason::SHUTDOWN_poweroff);
}

namespace hv {

void panic(const char* file, int line, const char* what) {
    TextOf<256> text;
    text.put("panic: ").put(file).put(":").dec(static_cast<uint64_t>(line));
    text.put(": ").put(what).put("\n");
    rt::write(text.view());
    rt::shutdown(rt::ShutdownReason::SHUTDOWN_crash);
}

}  // namespace hv

// What the bounds checks of the standard headers call (_GLIBCXX_ASSERTIONS).
namespace std {

void __glibcxx_assert_fail(const char* file, int line, const char* /*function*/,
                           const char* condition) noexcept {
    hv::panic(file, line, condition);
}

}  // namespace std
