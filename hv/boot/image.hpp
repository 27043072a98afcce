// SPDX-License-Identifier: Apache-2.0
// The boundaries of the hypervisor's own image, from the linker script.
#pragma once

#include <cstddef>

extern "C" {
extern const std::byte image_start[];
extern const std::byte image_rodata[];
extern const std::byte image_data[];
extern const std::byte image_end[];
extern std::byte boot_stack_bottom[];
extern std::byte boot_stack_top[];
extern const std::byte ap_trampoline[];
extern const std::byte ap_trampoline_end[];
}
