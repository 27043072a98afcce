// SPDX-License-Identifier: Apache-2.0
// XENMEM_exchange. [xen-pub] memory.h. Linux makes memory contiguous with it: many single frames
// in, one extent out, and the other way round.
#include "hv/abi/xen_memory.hpp"
#include "hv/hypercall/memory_op.hpp"

#include <cstddef>

namespace hv::hypercall {

namespace {

// What is exchanged at a time: one extent of the larger order, on whichever side.
struct Shape {
    uint64_t ins = 1;  // extents on each side
    uint64_t outs = 1;
};

Shape shape_of(const abi::MemoryExchange& args) {
    const uint32_t in = args.in.extent_order;
    const uint32_t out = args.out.extent_order;
    return {.ins = uint64_t{1} << (out > in ? out - in : 0),
            .outs = uint64_t{1} << (in > out ? in - out : 0)};
}

Result<void, Errno> check(const Call& call, const abi::MemoryExchange& args) {
    if (call.domain().pv == nullptr) {
        return fail(Errno::XEN_EOPNOTSUPP);
    }
    const uint32_t in = args.in.extent_order;
    const uint32_t out = args.out.extent_order;
    if (in > pv::max_extent_order || out > pv::max_extent_order) {
        return fail(Errno::XEN_EPERM);
    }
    if (args.nr_exchanged > args.in.nr_extents || args.in.domid != args.out.domid ||
        args.in.nr_extents > ~uint64_t{0} >> in || args.out.nr_extents > ~uint64_t{0} >> out ||
        args.in.nr_extents << in != args.out.nr_extents << out) {
        return fail(Errno::XEN_EINVAL);
    }
    return require_self(call, args.in.domid);
}

GuestVaddr progress_of(const Call& call) {
    return call.pointer(1) + offsetof(abi::MemoryExchange, nr_exchanged);
}

Result<void, Errno> take_all(const Call& call, const abi::MemoryExchange& args, uint64_t first,
                             uint64_t count, pv::Exchange& work) {
    for (uint64_t n = first; n < first + count; ++n) {
        const auto name =
            TRY(read<uint64_t>(call, element<uint64_t>(GuestVaddr{args.in.extent_start}, n)));
        TRY(edge(work.take(Gfn{name}, uint64_t{1} << args.in.extent_order)));
    }
    return Ok{};
}

// The list is shown to be writable before anything is final; what it says is changed afterwards.
Result<void, Errno> give_all(const Call& call, const abi::MemoryExchange& args, uint64_t first,
                             uint64_t count, pv::Exchange& work) {
    const Gfn limit = name_limit(args.out.mem_flags);
    for (uint64_t n = first; n < first + count; ++n) {
        const GuestVaddr at = element<uint64_t>(GuestVaddr{args.out.extent_start}, n);
        const auto pfn = TRY(read<uint64_t>(call, at));
        TRY(write(call, at, pfn));
        TRY(edge(work.give(args.out.extent_order, limit, pfn)));
    }
    return Ok{};
}

// Fails only if another vCPU has taken the list away meanwhile: the guest's own loss.
void tell_names(const Call& call, const abi::MemoryExchange& args, uint64_t first, uint64_t count,
                const pv::Exchange& work) {
    for (uint64_t n = 0; n < count; ++n) {
        const GuestVaddr at = element<uint64_t>(GuestVaddr{args.out.extent_start}, first + n);
        static_cast<void>(write(call, at, work.name(n << args.out.extent_order).value()).ok());
    }
}

// Chunk `n` of the whole exchange, or nothing of it.
Result<void, Errno> exchange_chunk(Call& call, const abi::MemoryExchange& args, uint64_t n) {
    const Shape shape = shape_of(args);
    const LockGuard guard{call.domain().lock};
    pv::Exchange work{call.domain(), call.looks_left};
    TRY(take_all(call, args, n * shape.ins, shape.ins, work));
    TRY(give_all(call, args, n * shape.outs, shape.outs, work));
    work.commit();
    tell_names(call, args, n * shape.outs, shape.outs, work);
    return Ok{};
}

}  // namespace

Answer exchange(Call& call) {
    auto args = TRY(read<abi::MemoryExchange>(call, call.pointer(1)));
    TRY(check(call, args));
    TRY(write(call, progress_of(call), args.nr_exchanged));  // before anything is done

    const Shape shape = shape_of(args);
    const uint64_t chunks = args.in.nr_extents / shape.ins;
    uint64_t n = args.nr_exchanged / shape.ins;
    Result<void, Errno> result = Ok{};
    for (; n < chunks; ++n) {
        result = charge_pages(call, shape.ins << args.in.extent_order)
                     ? exchange_chunk(call, args, n)
                     : Result<void, Errno>{again()};
        if (!result.ok()) {
            break;
        }
    }
    // Nobody uses an old name by an old translation any more, in the guest itself.
    domain::flush_tlb(call.domain());
    TRY(write(call, progress_of(call), n * shape.ins));
    TRY(result);
    return 0;
}

}  // namespace hv::hypercall
