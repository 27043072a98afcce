// SPDX-License-Identifier: Apache-2.0
// The stub (stub.S) as hv sees it: bytes to copy, and where a vCPU enters them.
#pragma once

#include "hv/pv/stub_layout.hpp"

#include <cstddef>
#include <cstdint>

extern "C" const std::byte stub_text[];
extern "C" const std::byte stub_text_end[];
extern "C" const std::byte stub_syscall[];
extern "C" const std::byte stub_syscall32[];
extern "C" const std::byte stub_entries[];

namespace hv::pv {

// Offset of a symbol within the stub.
inline uint64_t stub_offset(const std::byte* symbol) {
    return static_cast<uint64_t>(symbol - stub_text);
}

}  // namespace hv::pv
