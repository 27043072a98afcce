// SPDX-License-Identifier: Apache-2.0
// Fuzz entry: a kernel file as domB reads it, and its placement.
#include "domb/builder/elf.hpp"

#include "domb/builder/placement.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto file = std::as_bytes(std::span{data, size});
    auto result = builder::read_kernel(file);
    if (!result.ok()) {
        return 0;
    }
    const builder::Kernel kernel = result.take();
    size_t sum = 0;
    for (const builder::Segment& segment : kernel.segments) {
        for (const std::byte b : segment.contents) {
            sum += static_cast<size_t>(b);
        }
    }
    constexpr uint64_t memory_bytes = 256 << 20;
    auto placed = builder::place(kernel, 0x12345 + sum % 2, memory_bytes);
    if (placed.ok()) {
        const uint64_t initrd = placed.take().initrd;
        for (const builder::Segment& s : kernel.segments) {
            if (s.end() > memory_bytes || (initrd < s.end() && s.gpaddr < initrd + 0x12346)) {
                abort();
            }
        }
    }
    return 0;
}
