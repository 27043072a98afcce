// SPDX-License-Identifier: Apache-2.0
// The hypercall page of 64-bit PV guests: 128 stubs of 32 bytes, stub N makes hypercall N by
// SYSCALL; the one for iret is jumped to. [xen-pub] arch-x86/xen-x86_64.h.
#pragma once

#include "hv/base/address.hpp"

#include <cstddef>
#include <span>

namespace hv::pv {

// `page` is all of a 4 KiB page; what was in it is gone.
void fill_hypercall_page(std::span<std::byte, page_size> page);

}  // namespace hv::pv
