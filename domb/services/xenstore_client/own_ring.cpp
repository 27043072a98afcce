// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore_client/own_ring.hpp"

#include "domb/rt/address_space.hpp"
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_hvm.hpp"
#include "hv/abi/xen_shared_info.hpp"
#include "hv/base/address.hpp"

namespace xenstore_client {
namespace {

using hv::abi::HvmParam;

// 0 if there is none.
uint64_t get_param(HvmParam index) {
    hv::abi::HvmParamArgs argument{
        .domid = hv::abi::DOMID_SELF, .pad = 0, .index = static_cast<uint32_t>(index), .value = 0};
    const int64_t result =
        rt::hypercall(rt::Hypercall::hvm_op, hv::abi::HvmOp::HVMOP_get_param, &argument);
    return result == 0 ? argument.value : 0;
}

}  // namespace

std::optional<OwnRing> find_own_ring() {
    const uint64_t gfn = get_param(HvmParam::HVM_PARAM_STORE_PFN);
    const uint64_t port = get_param(HvmParam::HVM_PARAM_STORE_EVTCHN);
    if (gfn == 0 || port == 0 || port >= hv::abi::EVTCHN_2L_NR_CHANNELS) {
        return std::nullopt;
    }
    // SAFETY: the hypervisor has put the ring page there for the domain's life.
    auto* const page = reinterpret_cast<hv::abi::XenstoreDomainInterface*>(
        rt::bytes_of({gfn * hv::page_size, hv::page_size}).data());
    return OwnRing{.page = page, .port = static_cast<uint32_t>(port)};
}

}  // namespace xenstore_client
