// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/hypercall_page.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace hv::hvm {
namespace {

constexpr size_t stub_bytes = 32;
constexpr uint8_t hypercall_iret = 23;  // of PV guests only: #UD here

// mov $number, %eax; vmmcall; ret. The same bytes in 32 and 64-bit code.
constexpr std::array<uint8_t, 9> stub(uint8_t number) {
    return {0xb8, number, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3};
}
constexpr std::array<uint8_t, 2> ud2 = {0x0f, 0x0b};
constexpr std::byte int3{0xcc};  // between the stubs

template <size_t N>
void put(std::span<std::byte> at, const std::array<uint8_t, N>& code) {
    std::transform(code.begin(), code.end(), at.begin(),
                   [](uint8_t b) { return static_cast<std::byte>(b); });
}

}  // namespace

void fill_hypercall_page(std::span<std::byte, 4096> page) {
    std::fill(page.begin(), page.end(), int3);
    for (size_t number = 0; number < page.size() / stub_bytes; ++number) {
        const auto at = page.subspan(number * stub_bytes, stub_bytes);
        if (number == hypercall_iret) {
            put(at, ud2);
        } else {
            put(at, stub(static_cast<uint8_t>(number)));
        }
    }
}

}  // namespace hv::hvm
