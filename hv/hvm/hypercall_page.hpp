// SPDX-License-Identifier: Apache-2.0
// The hypercall page of HVM and PVH guests: 128 stubs of 32 bytes, stub N makes hypercall N
// ([xen-pub] arch-x86/xen.h). Guests may as well execute VMMCALL themselves.
#pragma once

#include <cstddef>
#include <span>

namespace hv::hvm {

// `page` is all of a 4 KiB page; what was in it is gone.
void fill_hypercall_page(std::span<std::byte, 4096> page);

}  // namespace hv::hvm
