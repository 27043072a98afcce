// SPDX-License-Identifier: Apache-2.0
#include "domb/rt/grants.hpp"

#include "domb/rt/address_space.hpp"
#include "domb/rt/guest_addresses.hpp"
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_grant_table.hpp"

namespace rt {

hv::Result<MappedGrant, GrantError> map_grant(hv::DomainId domain, hv::GrantRef ref, size_t index) {
    const uint64_t at = grants_gpaddr + index * hv::page_size;
    hv::abi::GnttabMapGrantRef argument{};
    argument.host_addr = at;
    argument.flags = hv::abi::GNTMAP_host_map;
    argument.ref = ref.value();
    argument.dom = domain.value();
    const int64_t result = hypercall(Hypercall::grant_table_op,
                                     hv::abi::GrantTableOp::GNTTABOP_map_grant_ref, &argument, 1);
    if (result != 0) {
        return hv::Err{GrantError{result}};
    }
    if (argument.status != 0) {
        return hv::Err{GrantError{argument.status}};
    }
    return MappedGrant{.page = bytes_of({at, hv::page_size}), .handle = argument.handle};
}

void unmap_grant(const MappedGrant& grant) {
    hv::abi::GnttabUnmapGrantRef argument{};
    argument.host_addr = to_argument(grant.page.data());
    argument.handle = grant.handle;
    hypercall(Hypercall::grant_table_op, hv::abi::GrantTableOp::GNTTABOP_unmap_grant_ref, &argument,
              1);
}

}  // namespace rt
