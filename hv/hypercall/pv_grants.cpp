// SPDX-License-Identifier: Apache-2.0
// Grants of PV guests: their table has machine frame numbers, and what they map appears in an entry
// of their page tables. [xen-pub] grant_table.h. A frame of another domain gets a machine frame
// number of the window at pv_foreign_gfn; the entry names that, and taking the number away is what
// ends the mapping, wherever else the guest has put it.
#include "hv/abi/pv_layout.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/mapping.hpp"
#include "hv/hypercall/grant_batch.hpp"
#include "hv/mm/page_entry.hpp"

namespace hv::hypercall {

namespace {

namespace pte = mm::pte;

// Xen's words for an address at which there is no entry, or another's.
constexpr auto bad_place = GrantStatus::GNTST_general_error;

Result<void, GrantStatus> check_flags(uint32_t flags) {
    constexpr uint32_t allowed = abi::GNTMAP_host_map | abi::GNTMAP_readonly |
                                 abi::GNTMAP_application_map | abi::GNTMAP_contains_pte |
                                 abi::GNTMAP_guest_avail_mask;
    if ((flags & (abi::GNTMAP_host_map | abi::GNTMAP_device_map)) == 0) {
        return Err{GrantStatus::GNTST_bad_gntref};
    }
    if ((flags & ~allowed) != 0) {
        return Err{GrantStatus::GNTST_general_error};  // no device here reads memory of guests
    }
    return Ok{};
}

// Where the entry is that an address means.
Result<GuestPaddr, GrantStatus> find_place(const Call& call, uint64_t host_addr, bool is_entry) {
    if (is_entry) {
        return GuestPaddr{host_addr};
    }
    const auto leaf = pv::find_leaf(call.vcpu, GuestVaddr{host_addr});
    if (!leaf) {
        return Err{bad_place};
    }
    return *leaf;
}

uint64_t entry_for(const abi::GnttabMapGrantRef& op) {
    constexpr unsigned avail_shift_in_flags = 16;
    constexpr unsigned avail_shift_in_entry = 9;
    constexpr uint64_t avail_bits = 7;
    uint64_t entry = op.dev_bus_addr | pte::P | pte::A | pte::D;
    entry |= (op.flags & abi::GNTMAP_readonly) != 0 ? 0 : pte::RW;
    entry |= (op.flags & abi::GNTMAP_application_map) != 0 ? pte::US : 0;
    entry |= (op.flags >> avail_shift_in_flags & avail_bits) << avail_shift_in_entry;
    return entry;
}

Result<void, GrantStatus> try_map(const Call& call, domain::PhysmapChange& change,
                                  abi::GnttabMapGrantRef& op) {
    TRY(check_flags(op.flags));
    domain::Domain& domain = call.domain();
    const bool is_entry = (op.flags & abi::GNTMAP_contains_pte) != 0;
    const GuestPaddr at = TRY(find_place(call, op.host_addr, is_entry));
    if (!pv::check_place(domain, at).ok()) {
        return Err{bad_place};
    }
    grant::map_in_window(change, domain, op, Gfn{abi::pv_foreign_gfn});
    if (op.status != to_raw(GrantStatus::GNTST_okay)) {
        return Err{static_cast<GrantStatus>(op.status)};
    }
    if (!pv::write_entry(domain, at, entry_for(op), false).ok()) {
        // Another vCPU has taken the table away meanwhile.
        abi::GnttabUnmapGrantRef undo{.host_addr = op.dev_bus_addr, .handle = op.handle};
        grant::Unmapping{domain}.unmap(undo);
        return Err{bad_place};
    }
    return Ok{};
}

// Takes the grant out of the guest's entry, and puts `value` there.
Result<void, GrantStatus> empty_entry(const Call& call, const grant::Held& held, uint64_t host_addr,
                                      uint64_t value) {
    const GuestPaddr at = TRY(find_place(call, host_addr, held.is_in_entry));
    if (!pv::replace_entry(call.domain(), at, held.gfn, value).ok()) {
        return Err{bad_place};
    }
    return Ok{};
}

Result<void, GrantStatus> try_unmap(const Call& call, grant::Unmapping& unmapping,
                                    const abi::GnttabUnmapGrantRef& op) {
    const auto held = grant::held(call.domain(), op.handle);
    if (!held) {
        return Err{GrantStatus::GNTST_bad_handle};
    }
    abi::GnttabUnmapGrantRef by_frame = op;
    if (op.host_addr != 0 && op.dev_bus_addr == 0) {
        TRY(empty_entry(call, *held, op.host_addr, 0));
        by_frame.host_addr = to_gpaddr(held->gfn).value();
    }
    unmapping.unmap(by_frame);
    if (by_frame.status != to_raw(GrantStatus::GNTST_okay)) {
        return Err{static_cast<GrantStatus>(by_frame.status)};
    }
    return Ok{};
}

// What new_addr maps moves to host_addr.
Result<void, GrantStatus> try_replace(const Call& call, grant::Unmapping& unmapping,
                                      const abi::GnttabUnmapAndReplace& op) {
    const auto held = grant::held(call.domain(), op.handle);
    if (!held) {
        return Err{GrantStatus::GNTST_bad_handle};
    }
    if (held->is_in_entry || op.host_addr == 0) {
        return Err{bad_place};
    }
    const GuestPaddr from = TRY(find_place(call, op.new_addr, false));
    const auto value = pv::take_entry(call.domain(), from);
    if (!value.ok()) {
        return Err{bad_place};
    }
    if (const auto put = empty_entry(call, *held, op.host_addr, value.value()); !put.ok()) {
        static_cast<void>(pv::replace_entry(call.domain(), from, Gfn{0}, value.value()).ok());
        return Err{put.error()};
    }
    abi::GnttabUnmapGrantRef by_frame{.host_addr = to_gpaddr(held->gfn).value(),
                                      .handle = op.handle};
    unmapping.unmap(by_frame);
    if (by_frame.status != to_raw(GrantStatus::GNTST_okay)) {
        return Err{static_cast<GrantStatus>(by_frame.status)};
    }
    return Ok{};
}

int16_t raw_status(const Result<void, GrantStatus>& result) {
    return to_raw(result.ok() ? GrantStatus::GNTST_okay : result.error());
}

}  // namespace

Answer setup_pv_grants(const Call& call, abi::GnttabSetupTable args) {
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

Answer map_pv_grants(Call& call) {
    domain::PhysmapChange change{call.domain()};
    return for_batch<abi::GnttabMapGrantRef>(
        call, domain::PhysmapChange::max_removed,
        [&](auto& op) { op.status = raw_status(try_map(call, change, op)); });
}

Answer unmap_pv_grants(Call& call) {
    grant::Unmapping unmapping{call.domain()};
    return for_batch<abi::GnttabUnmapGrantRef>(call, grant::Unmapping::max_grants, [&](auto& op) {
        op.status = raw_status(try_unmap(call, unmapping, op));
    });
}

Answer replace_pv_grants(Call& call) {
    grant::Unmapping unmapping{call.domain()};
    return for_batch<abi::GnttabUnmapAndReplace>(call, grant::Unmapping::max_grants, [&](auto& op) {
        op.status = raw_status(try_replace(call, unmapping, op));
    });
}

}  // namespace hv::hypercall
