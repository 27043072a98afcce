// SPDX-License-Identifier: Apache-2.0
// Translations that a PV guest wants dropped, on its own vCPU or on others.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv::hypercall {

// UVMF_* of update_va_mapping.
Answer flush_after_update(Call& call, uint64_t uvmf);
// On the calling vCPU.
void flush_local(Call& call);
// On every vCPU: a bitmap of some may always be answered with all.
void flush_all(Call& call);

}  // namespace hv::hypercall
