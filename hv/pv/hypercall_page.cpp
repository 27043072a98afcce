// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/hypercall_page.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace hv::pv {

namespace {

constexpr size_t stub_bytes = 32;
constexpr uint8_t hypercall_iret = 23;
constexpr std::byte int3{0xcc};  // between the stubs

// push %rcx; push %r11; mov $number, %eax; syscall; pop %r11; pop %rcx; ret
constexpr std::array<uint8_t, 14> stub(uint8_t number) {
    return {0x51, 0x41, 0x53, 0xb8, number, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3};
}
// push %rcx; push %r11; push %rax; mov $iret, %eax; syscall: the rest of iret_context is above.
constexpr std::array<uint8_t, 11> iret_stub = {0x51, 0x41, 0x53, 0x50, 0xb8, hypercall_iret,
                                               0,    0,    0,    0x0f, 0x05};

template <size_t N>
void copy_code(std::span<std::byte> at, const std::array<uint8_t, N>& code) {
    std::transform(code.begin(), code.end(), at.begin(),
                   [](uint8_t b) { return static_cast<std::byte>(b); });
}

}  // namespace

void fill_hypercall_page(std::span<std::byte, page_size> page) {
    std::fill(page.begin(), page.end(), int3);
    for (size_t number = 0; number < page.size() / stub_bytes; ++number) {
        const auto at = page.subspan(number * stub_bytes, stub_bytes);
        if (number == hypercall_iret) {
            copy_code(at, iret_stub);
        } else {
            copy_code(at, stub(static_cast<uint8_t>(number)));
        }
    }
}

}  // namespace hv::pv
