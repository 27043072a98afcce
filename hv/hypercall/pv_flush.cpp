// SPDX-License-Identifier: Apache-2.0
#include "hv/hypercall/pv_flush.hpp"

#include "hv/abi/xen_pv.hpp"

namespace hv::hypercall {

void flush_local(Call& call) {
    call.vcpu.tlb_generation = 0;  // what tlb_enter takes for "flush"
}

void flush_all(Call& call) {
    domain::flush_tlb(call.domain());
}

Answer flush_after_update(Call& call, uint64_t uvmf) {
    const uint64_t kind = uvmf & abi::UVMF_FLUSHTYPE_MASK;
    if (kind == abi::UVMF_NONE) {
        return 0;
    }
    if (kind == abi::UVMF_FLUSHTYPE_MASK) {
        return fail(Errno::XEN_EINVAL);
    }
    const uint64_t whom = uvmf & ~abi::UVMF_FLUSHTYPE_MASK;
    if (whom == abi::UVMF_LOCAL) {
        flush_local(call);
        return 0;
    }
    if (whom != abi::UVMF_ALL) {
        TRY(read<uint64_t>(call, GuestVaddr{whom}));  // the bitmap has to be there
    }
    flush_all(call);
    return 0;
}

}  // namespace hv::hypercall
