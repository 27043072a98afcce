// SPDX-License-Identifier: Apache-2.0
// What a PV guest may put into its GDT and LDT, and segments that only hv can load. A bad
// descriptor could harm nobody but the guest; it is refused as Xen would.
#pragma once

#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"

#include <cstdint>

namespace hv::pv {

// Null, not present, or a code or data segment. System descriptors, gates among them, are not.
// `descriptor` is given the privilege of user space where it claims more.
bool accept_descriptor(uint64_t& descriptor);

// Does that with every descriptor of a frame of RAM; false if one is refused.
bool accept_descriptors(domain::Domain& domain, Gfn frame);

// False if no LDT can be there, or one of its descriptors is refused. entries = 0: none.
bool set_ldt(domain::Vcpu& vcpu, uint64_t base, uint32_t entries);

// SEGBASE_GS_USER_SEL: the selector and, inactive while the kernel runs, its base.
void load_user_gs(domain::Vcpu& vcpu, uint16_t selector);

}  // namespace hv::pv
