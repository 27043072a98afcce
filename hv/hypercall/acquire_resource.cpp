// SPDX-License-Identifier: Apache-2.0
// XENMEM_acquire_resource: the frames of another domain's grant table, for a domain that controls
// it. [xen-pub] memory.h. There are no ioreq servers and no trace buffers here. The frames are hv's
// for as long as the machine runs, so nobody counts who sees them.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/resource.hpp"
#include "hv/hypercall/memory_op.hpp"

#include <algorithm>
#include <cstddef>

namespace hv::hypercall {

namespace {

constexpr uint64_t frames_at_a_time = 32;
static_assert(frames_at_a_time <= domain::PhysmapChange::max_removed);
// The number of frames done must fit beside the command.
constexpr uint64_t most_at_once = ~uint32_t{0} >> memory_op_shift;

// How many frames the resource can have: none of what is not here. A table of version 1 has no
// status frames.
uint64_t most_frames(const domain::Domain& owner, const abi::MemAcquireResource& args) {
    const bool is_table = static_cast<abi::MemoryResource>(args.type) ==
                              abi::MemoryResource::XENMEM_resource_grant_table &&
                          args.id == abi::XENMEM_resource_grant_table_id_shared &&
                          owner.grants != nullptr;
    return is_table ? owner.grants->max_frame_count() : 0;
}

Answer tell_size(const Call& call, const abi::MemAcquireResource& args, uint64_t size) {
    if (args.nr_frames != 0 || elements_done(call) != 0) {
        return fail(Errno::XEN_EINVAL);
    }
    const GuestVaddr at = call.pointer(1) + offsetof(abi::MemAcquireResource, nr_frames);
    TRY(write(call, at, static_cast<uint32_t>(size)));
    return 0;
}

// What the list says about one frame: where a translated domain wants it, or the name that a PV
// domain is told.
Result<void, Errno> place(const Call& call, domain::PhysmapChange& change,
                          const domain::Domain& owner, Mfn frame, GuestVaddr at) {
    domain::Domain& domain = call.domain();
    if (domain.pv != nullptr) {
        const auto name =
            grant::name_resource(change, domain, owner.id, frame, Gfn{abi::pv_foreign_gfn});
        return name ? write(call, at, name->value()) : fail(Errno::XEN_ENOMEM);
    }
    const Gfn gfn{TRY(read<uint64_t>(call, at))};
    const LockGuard guard{domain.lock};
    return edge(change.map(gfn, frame, mm::Access::ReadWrite));
}

// The table grows as far as it is asked for.
Mfn frame_of(domain::Domain& owner, uint64_t index) {
    const LockGuard guard{owner.lock};
    return *owner.grants->frame(index);
}

}  // namespace

Answer acquire_resource(Call& call) {
    const auto args = TRY(read<abi::MemAcquireResource>(call, call.pointer(1)));
    if (args.pad != 0 || (args.frame | (args.frame + args.nr_frames)) >> 32 != 0) {
        return fail(Errno::XEN_EINVAL);
    }
    domain::Domain* const owner = TRY(find_controlled(call, args.domid));
    const uint64_t size = most_frames(*owner, args);
    if (size == 0) {
        return fail(Errno::XEN_EINVAL);
    }
    if (args.frame_list == 0) {
        return tell_size(call, args, size);
    }
    const uint64_t first = elements_done(call);
    if (first >= args.nr_frames || args.nr_frames > most_at_once ||
        args.frame + args.nr_frames > size) {
        return fail(Errno::XEN_EINVAL);
    }

    domain::PhysmapChange change{call.domain()};
    const uint64_t stop = std::min<uint64_t>(args.nr_frames, first + frames_at_a_time);
    for (uint64_t n = first; n < stop; ++n) {
        const GuestVaddr at = element<uint64_t>(GuestVaddr{args.frame_list}, n);
        const auto placed = place(call, change, *owner, frame_of(*owner, args.frame + n), at);
        if (!placed.ok()) {
            // As on Xen: whoever is told anything else may believe that nothing is done.
            const bool is_some_done = n != first && placed.error() != Errno::XEN_EFAULT;
            return fail(is_some_done ? Errno::XEN_EIO : placed.error());
        }
    }
    if (stop < args.nr_frames) {
        return again_from(call, stop);
    }
    return 0;
}

}  // namespace hv::hypercall
