// SPDX-License-Identifier: Apache-2.0
// grant_table_op(cmd, list, count). [xen-pub] grant_table.h.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/grant/copy.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/mapping.hpp"
#include "hv/hypercall/handlers.hpp"

#include <algorithm>

namespace hv::hypercall {

namespace {

using abi::GrantStatus;

int16_t to_raw(GrantStatus status) {
    return static_cast<int16_t>(status);
}

GrantStatus status_of(const Result<void, Errno>& allowed) {
    if (allowed.ok()) {
        return GrantStatus::GNTST_okay;
    }
    return allowed.error() == Errno::XEN_ESRCH ? GrantStatus::GNTST_bad_domain
                                               : GrantStatus::GNTST_permission_denied;
}

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

Answer setup_pv_table(const Call& call, abi::GnttabSetupTable args) {
    domain::Domain& domain = call.domain();
    GrantStatus status = status_of(require_self(call, args.dom));
    if (status == GrantStatus::GNTST_okay && args.nr_frames > domain.grants->max_frame_count()) {
        status = GrantStatus::GNTST_general_error;
    }
    args.status = to_raw(status);
    domain::PhysmapChange change{domain};
    for (uint32_t n = 0; status == GrantStatus::GNTST_okay && n < args.nr_frames; ++n) {
        const LockGuard guard{domain.lock};
        const auto frame = domain.grants->frame(n);
        const Gfn gfn{abi::pv_grant_table_gfn + n};
        const auto before = domain.p2m.lookup(gfn);
        const bool is_there = frame && before && before->mfn == *frame;  // kernels ask again
        if (!frame || (!is_there && !change.map(gfn, *frame, mm::Access::ReadWrite).ok())) {
            return fail(Errno::XEN_ENOMEM);
        }
        TRY(write(call, element<uint64_t>(GuestVaddr{args.frame_list}, n), gfn.value()));
    }
    TRY(write(call, call.pointer(1), args));
    return 0;
}

// Frames of a translated guest come from XENMEM_add_to_physmap; those of a PV guest have their
// machine frame numbers already.
Answer setup_table(const Call& call) {
    auto args = TRY(read<abi::GnttabSetupTable>(call, call.pointer(1)));
    if (call.domain().pv != nullptr) {
        return setup_pv_table(call, args);
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

// What is left of a batch stands in the arguments: list in args[1], count in args[2].
template <class Op>
Answer rest_of_batch(Call& call, uint32_t done) {
    call.args[1] += done * sizeof(Op);
    call.args[2] -= done;
    if (static_cast<uint32_t>(call.args[2]) == 0) {
        return 0;
    }
    return again();
}

// Reads each element of a batch, calls `work` on the copy, writes the copy back.
template <class Op, class Work>
Answer for_batch(Call& call, uint32_t at_a_time, Work&& work) {
    const uint32_t count = std::min(static_cast<uint32_t>(call.args[2]), at_a_time);
    for (uint32_t n = 0; n < count; ++n) {
        const GuestVaddr at = element<Op>(call.pointer(1), n);
        auto op = TRY(read<Op>(call, at));
        work(op);
        TRY(write(call, at, op));
    }
    return rest_of_batch<Op>(call, count);
}

Answer map_grant_ref(Call& call) {
    domain::PhysmapChange change{call.domain()};
    return for_batch<abi::GnttabMapGrantRef>(
        call, domain::PhysmapChange::max_removed,
        [&](auto& op) { grant::map(change, call.domain(), op); });
}

Answer unmap_grant_ref(Call& call) {
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
        case abi::GrantTableOp::GNTTABOP_dump_table:
        case abi::GrantTableOp::GNTTABOP_transfer:
        case abi::GrantTableOp::GNTTABOP_unmap_and_replace:
        case abi::GrantTableOp::GNTTABOP_get_status_frames:
        case abi::GrantTableOp::GNTTABOP_swap_grant_ref:
        case abi::GrantTableOp::GNTTABOP_cache_flush:
            break;
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
