// SPDX-License-Identifier: Apache-2.0
// For tests of the runtime alone: QEMU's own PVH entry (-kernel), COM1 and isa-debug-exit.
#include "domb/rt/platform.hpp"

namespace rt {
namespace {

constexpr uint16_t com1 = 0x3f8;
constexpr uint16_t debug_exit = 0xf4;

void out(uint16_t port, uint8_t value) {
    // SAFETY: ring 0 of a machine that is this program's alone.
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

}  // namespace

void write(std::string_view text) {
    for (const char c : text) {
        out(com1, static_cast<uint8_t>(c));
    }
}

void shutdown(ShutdownReason reason) {
    while (true) {
        out(debug_exit, static_cast<uint8_t>(reason));
    }
}

}  // namespace rt
