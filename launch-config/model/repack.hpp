// SPDX-License-Identifier: Apache-2.0
// repack_kernel: the same kernel in fewer bytes. Linux's unpacked payload carries its .bss as
// zeros, section tables and relocations: 26 of 66 MB in Debian's 6.1 that nobody loads, but that
// would be loaded by QEMU, copied and hashed. What a domain gets in its memory is the same to the
// byte.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace launch::model {

// An ELF image with the loaded segments, their zeros at the end cut off, and the notes; nothing
// else. `elf` must have passed inspect_kernel. The result depends on `elf` alone.
std::vector<std::byte> repack_kernel(std::span<const std::byte> elf);

}  // namespace launch::model
