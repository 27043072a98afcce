// SPDX-License-Identifier: Apache-2.0
// grant_table_op(cmd, list, count). [xen-pub] grant_table.h.
#include "hv/abi/xen_grant_table.hpp"
#include "hv/grant/copy.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/mapping.hpp"
#include "hv/hypercall/grant_batch.hpp"
#include "hv/hypercall/handlers.hpp"

namespace hv::hypercall {

namespace {

Answer query_size(const Call& call) {
    auto args = TRY(read<abi::GnttabQuerySize>(call, call.pointer(1)));
    const GrantStatus status = status_of(require_self(call, args.dom));
    args.status = to_raw(status);
    if (status == GrantStatus::GNTST_okay) {
        args.nr_frames = call.domain().grants->frame_count();
        args.max_nr_frames = call.domain().grants->max_frame_count();
    }
    TRY(write(call, call.pointer(1), args));
    return 0;
}

// Frames of a translated guest come from XENMEM_add_to_physmap; those of a PV guest have their
// machine frame numbers already.
Answer setup_table(const Call& call) {
    auto args = TRY(read<abi::GnttabSetupTable>(call, call.pointer(1)));
    if (call.domain().pv != nullptr) {
        return setup_pv_grants(call, args);
    }
    args.status = to_raw(GrantStatus::GNTST_general_error);
    TRY(write(call, call.pointer(1), args));
    return 0;
}

Answer set_version(const Call& call) {
    const auto args = TRY(read<abi::GnttabSetVersion>(call, call.pointer(1)));
    if (args.version != 1 && args.version != 2) {
        return fail(Errno::XEN_EINVAL);
    }
    if (args.version == 2) {
        return fail(Errno::XEN_ENOSYS);
    }
    TRY(write(call, call.pointer(1), args));
    return 0;
}

Answer get_version(const Call& call) {
    auto args = TRY(read<abi::GnttabGetVersion>(call, call.pointer(1)));
    TRY(require_self(call, args.dom));
    args.version = 1;
    TRY(write(call, call.pointer(1), args));
    return 0;
}

Answer map_grant_ref(Call& call) {
    if (call.domain().pv != nullptr) {
        return map_pv_grants(call);
    }
    domain::PhysmapChange change{call.domain()};
    return for_batch<abi::GnttabMapGrantRef>(
        call, domain::PhysmapChange::max_removed,
        [&](auto& op) { grant::map(change, call.domain(), op); });
}

Answer unmap_grant_ref(Call& call) {
    if (call.domain().pv != nullptr) {
        return unmap_pv_grants(call);
    }
    grant::Unmapping unmapping{call.domain()};
    return for_batch<abi::GnttabUnmapGrantRef>(call, grant::Unmapping::max_grants,
                                               [&](auto& op) { unmapping.unmap(op); });
}

Answer copy(Call& call) {
    constexpr uint32_t copies_at_a_time = 32;
    return for_batch<abi::GnttabCopy>(call, copies_at_a_time, [&](auto& op) {
        op.status = to_raw(grant::copy(call.domain(), op));
    });
}

}  // namespace

Answer grant_table_op(Call& call) {
    const auto cmd = static_cast<abi::GrantTableOp>(call.args[0]);
    const auto count = static_cast<uint32_t>(call.args[2]);
    if (static_cast<int32_t>(count) < 0) {
        return fail(Errno::XEN_EINVAL);
    }
    switch (cmd) {
        case abi::GrantTableOp::GNTTABOP_query_size:
        case abi::GrantTableOp::GNTTABOP_setup_table:
            if (count != 1) {
                return fail(Errno::XEN_EINVAL);
            }
            return cmd == abi::GrantTableOp::GNTTABOP_query_size ? query_size(call)
                                                                 : setup_table(call);
        case abi::GrantTableOp::GNTTABOP_set_version:
            return set_version(call);
        case abi::GrantTableOp::GNTTABOP_get_version:
            return get_version(call);
        case abi::GrantTableOp::GNTTABOP_map_grant_ref:
            return map_grant_ref(call);
        case abi::GrantTableOp::GNTTABOP_unmap_grant_ref:
            return unmap_grant_ref(call);
        case abi::GrantTableOp::GNTTABOP_copy:
            return copy(call);
        case abi::GrantTableOp::GNTTABOP_unmap_and_replace:
            return call.domain().pv != nullptr ? replace_pv_grants(call) : fail(Errno::XEN_ENOSYS);
        case abi::GrantTableOp::GNTTABOP_dump_table:
        case abi::GrantTableOp::GNTTABOP_transfer:
        case abi::GrantTableOp::GNTTABOP_get_status_frames:
        case abi::GrantTableOp::GNTTABOP_swap_grant_ref:
        case abi::GrantTableOp::GNTTABOP_cache_flush:
            break;
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
