// SPDX-License-Identifier: Apache-2.0
// Hypercalls about memory with arguments of the right form and wrong content, and page tables that
// lead anywhere: in circles, into the hypervisor's slots, to frames of nobody.
#include "hv/abi/xen_grant_table.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/pv_fuzz.hpp"

namespace fuzz {

namespace {

using namespace pv;
using hv::abi::Hypercall;

// Within the playground, so that the kernel's own mappings stay.
uint64_t playground_address(Fuzzer& f) {
    return playground + f.random.below(playground_pages * page_bytes);
}

uint64_t table_address(Fuzzer& f) {
    Random& r = f.random;
    switch (r.below(5)) {
        case 0:
            return frame(f, true) * page_bytes + r.below(512) * 8;
        case 1:
            return frame(f, true) * page_bytes + r.below(page_bytes);
        case 2:  // the hypervisor's slots
            return root_mfn() * page_bytes + (256 + r.below(16)) * 8;
        case 3:  // slots of the L4 that are nobody's
            return root_mfn() * page_bytes + (16 + r.below(128)) * 8;
        default:
            return frame_beyond_ram(f) * page_bytes + r.below(512) * 8;
    }
}

// Tables that lead to a table, perhaps to the one they are in; what is no memory cannot be walked.
uint64_t table_entry(Fuzzer& f) {
    Random& r = f.random;
    if (r.one_in(4)) {
        const uint64_t large = entry(f) | pte::PS;
        return f.dares() ? large : large & ~pte::RW;
    }
    const auto level = static_cast<unsigned>(2 + r.below(3));
    return (entry_of(playground, level) & pte::address) | (r.one_in(8) ? 0 : pte::P) |
           (r.one_in(2) ? pte::US : 0) | pte::A;
}

// An entry at any level of the tables of the playground, of nobody, of the hypervisor, and what to
// put there.
hv::abi::MmuUpdate any_update(Fuzzer& f) {
    Random& r = f.random;
    const auto level = static_cast<unsigned>(r.one_in(2) ? 1 : 1 + r.below(4));
    if (!r.one_in(3)) {
        const bool is_leaf = level == 1 || f.dares();
        return {entry_machine(playground_address(f), level), is_leaf ? entry(f) : table_entry(f)};
    }
    return {table_address(f), r.one_in(2) ? entry(f) : table_entry(f)};
}

void updates(Fuzzer& f, Prepared& call) {
    Random& r = f.random;
    const uint64_t count = 1 + r.below(40);
    auto* list = make_arguments<std::array<hv::abi::MmuUpdate, 40>>(f);
    for (uint64_t n = 0; n < count; ++n) {
        const uint64_t kind = r.one_in(2) ? 0 : r.below(4);
        // The kernel looks its own tables up in the M2P.
        const bool is_of_m2p = kind == 1 && !f.dares();
        const hv::abi::MmuUpdate update = any_update(f);
        (*list)[n] = {(is_of_m2p ? frame(f, true) * page_bytes : update.ptr) | kind, update.val};
    }
    const List out = perhaps_overlong(f, {to_argument(list), count}, count * sizeof((*list)[0]));
    call.args[0] = out.at;
    call.args[1] = out.count;
    call.args[2] = r.one_in(2) ? 0 : argument(f, fresh_arguments(f, 8));
    call.args[3] = r.one_in(8) ? uint64_t{domain(f)} : hv::abi::DOMID_SELF;
}

void extended(Fuzzer& f, Prepared& call) {
    using Cmd = hv::abi::MmuextCmd;
    Random& r = f.random;
    const uint64_t count = 1 + r.below(12);
    auto* list = make_arguments<std::array<hv::abi::MmuextOp, 12>>(f);
    for (uint64_t n = 0; n < count; ++n) {
        hv::abi::MmuextOp& op = (*list)[n];
        op = {};
        op.cmd = static_cast<uint32_t>(r.below(23));
        const auto cmd = static_cast<Cmd>(op.cmd);
        const bool is_root = cmd == Cmd::MMUEXT_NEW_BASEPTR || cmd == Cmd::MMUEXT_NEW_USER_BASEPTR;
        if (is_root && !f.dares()) {
            op.arg1.mfn = r.one_in(2) ? root_mfn() : frame_beyond_ram(f);
        } else if (cmd == Cmd::MMUEXT_SET_LDT) {
            op.arg1.linear_addr =
                r.one_in(2) ? playground_address(f) & ~uint64_t{4095} : pointer(f);
        } else {
            op.arg1.mfn = r.one_in(4) ? pointer(f) : frame(f, true);
        }
        op.arg2.src_mfn = r.one_in(2) ? frame(f, false) : pointer(f);
    }
    const List out = perhaps_overlong(f, {to_argument(list), count}, count * sizeof((*list)[0]));
    call.args[0] = out.at;
    call.args[1] = out.count;
    call.args[2] = r.one_in(2) ? 0 : argument(f, fresh_arguments(f, 8));
    call.args[3] = r.one_in(8) ? uint64_t{domain(f)} : hv::abi::DOMID_SELF;
}

void reservation(Fuzzer& f, hv::abi::MemoryReservation& args) {
    Random& r = f.random;
    auto* list = make_arguments<std::array<uint64_t, 32>>(f);
    for (uint64_t& number : *list) {
        number = frame(f, true);
    }
    const List out = perhaps_overlong(f, {to_argument(list), r.below(32)}, sizeof(*list));
    args.extent_start = out.at;
    args.nr_extents = out.count;
    args.extent_order = static_cast<uint32_t>(r.one_in(4) ? r.number() : 0);
    args.domid = r.one_in(6) ? domain(f) : hv::abi::DOMID_SELF;
}

void physmap(Fuzzer& f, Prepared& call) {
    Random& r = f.random;
    const uint64_t list = fresh_arguments(f, 64);
    if (r.one_in(2)) {
        auto* args = make_arguments<hv::abi::AddToPhysmap>(f);
        args->domid = domain(f);
        args->space = static_cast<uint32_t>(r.below(7));
        args->idx = r.one_in(4) ? r.number() : r.below(4);
        args->gpfn = frame(f, true);
        call.args[1] = argument(f, to_argument(args));
        return;
    }
    auto* args = make_arguments<hv::abi::AddToPhysmapBatch>(f);
    args->domid = domain(f);
    args->space = static_cast<uint16_t>(r.below(7));
    args->size = static_cast<uint16_t>(r.one_in(4) ? r.number() : r.below(8));
    args->u.foreign_domid = r.one_in(2) ? uint16_t{0} : domain(f);
    args->idxs = argument(f, list);
    args->gpfns = argument(f, list);
    args->errs = argument(f, list);
    call.args[1] = argument(f, to_argument(args));
}

void memory(Fuzzer& f, Prepared& call) {
    using Op = hv::abi::MemoryOp;
    Random& r = f.random;
    const uint64_t command = r.below(32);
    call.args[0] = command | (r.one_in(8) ? r.number() << 6 : 0);
    const auto op = static_cast<Op>(command);
    if (op == Op::XENMEM_increase_reservation || op == Op::XENMEM_decrease_reservation ||
        op == Op::XENMEM_populate_physmap || op == Op::XENMEM_exchange) {
        auto* args = make_arguments<hv::abi::MemoryExchange>(f);
        reservation(f, args->in);
        reservation(f, args->out);
        call.args[1] = argument(f, to_argument(args));
    } else if (op == Op::XENMEM_add_to_physmap || op == Op::XENMEM_add_to_physmap_batch) {
        physmap(f, call);
    } else {
        auto* args = make_arguments<hv::abi::RemoveFromPhysmap>(f);
        args->domid = domain(f);
        args->gpfn = r.one_in(2) ? pointer(f) : frame(f, true);
        call.args[1] = argument(f, to_argument(args));
    }
}

template <class T>
void put(uint64_t at, const T& value) {
    // SAFETY: within the arena.
    __builtin_memcpy(reinterpret_cast<void*>(at), &value, sizeof(value));
}

// One of few places, so that what is unmapped there may well have been mapped; by address, or by
// the place of its entry.
uint64_t grant_place(Fuzzer& f, bool is_entry) {
    Random& r = f.random;
    if (r.one_in(8)) {
        return r.one_in(2) ? pointer(f) : frame(f, true) * page_bytes + r.below(page_bytes);
    }
    const uint64_t at = playground + r.below(8) * page_bytes;
    return is_entry ? entry_machine(at) : at;
}

void grant_element(Fuzzer& f, hv::abi::GrantTableOp op, uint64_t at) {
    Random& r = f.random;
    const auto ref = static_cast<uint32_t>(r.one_in(8) ? r.number() : r.below(24));
    const bool is_entry = r.one_in(3);
    if (op == hv::abi::GrantTableOp::GNTTABOP_map_grant_ref) {
        const uint32_t kind = hv::abi::GNTMAP_host_map |
                              (is_entry ? hv::abi::GNTMAP_contains_pte : 0) |
                              (r.one_in(2) ? hv::abi::GNTMAP_readonly : 0);
        const hv::abi::GnttabMapGrantRef args{
            .host_addr = grant_place(f, is_entry),
            .flags = r.one_in(8) ? static_cast<uint32_t>(r.next()) : kind,
            .ref = ref,
            .dom = domain(f),
            .status = 0,
            .handle = 0,
            .dev_bus_addr = 0};
        put(at, args);
    } else if (op == hv::abi::GrantTableOp::GNTTABOP_unmap_grant_ref ||
               op == hv::abi::GrantTableOp::GNTTABOP_unmap_and_replace) {
        // The second has the new address where the first has that of the bus.
        const bool is_replaced = op == hv::abi::GrantTableOp::GNTTABOP_unmap_and_replace;
        const hv::abi::GnttabUnmapGrantRef args{
            .host_addr = grant_place(f, is_entry),
            .dev_bus_addr = is_replaced || r.one_in(8) ? grant_place(f, false) : 0,
            .handle = ref % 8,
            .status = 0,
            .rsvd_016 = 0};
        put(at, args);
    } else if (op == hv::abi::GrantTableOp::GNTTABOP_copy) {
        hv::abi::GnttabCopy args{};
        for (hv::abi::GnttabCopyPtr* side : {&args.source, &args.dest}) {
            side->u.gmfn = r.one_in(2) ? frame(f, true) : ref;
            side->domid = domain(f);
            side->offset = static_cast<uint16_t>(r.one_in(4) ? r.number() : r.below(64));
        }
        args.len = static_cast<uint16_t>(r.one_in(4) ? r.number() : r.below(4096));
        args.flags = static_cast<uint16_t>(r.below(8));
        put(at, args);
    }
}

uint64_t size_of_grant_element(hv::abi::GrantTableOp op) {
    if (op == hv::abi::GrantTableOp::GNTTABOP_map_grant_ref) {
        return sizeof(hv::abi::GnttabMapGrantRef);
    }
    return op == hv::abi::GrantTableOp::GNTTABOP_copy ? sizeof(hv::abi::GnttabCopy)
                                                      : sizeof(hv::abi::GnttabUnmapGrantRef);
}

void grants(Fuzzer& f, Prepared& call) {
    Random& r = f.random;
    constexpr uint64_t common[] = {0, 0, 1, 5, 7};  // map, unmap, copy, replace
    call.args[0] = r.one_in(4) ? r.below(14) : r.of(common);
    const auto op = static_cast<hv::abi::GrantTableOp>(call.args[0]);
    const uint64_t count = 1 + r.below(16);
    const uint64_t each = size_of_grant_element(op);
    const uint64_t list = fresh_arguments(f, count * each);
    for (uint64_t n = 0; n < count; ++n) {
        grant_element(f, op, list + n * each);
    }
    const List out = perhaps_overlong(f, {list, count}, count * each);
    call.args[1] = out.at;
    call.args[2] = out.count;
    if (op == hv::abi::GrantTableOp::GNTTABOP_setup_table) {
        auto* args = make_arguments<hv::abi::GnttabSetupTable>(f);
        args->dom = domain(f);
        args->nr_frames = static_cast<uint32_t>(r.one_in(4) ? r.number() : r.below(8));
        args->frame_list = argument(f, list);
        call.args[1] = argument(f, to_argument(args));
        call.args[2] = 1;
    }
}

void mapping(Fuzzer& f, Prepared& call) {
    Random& r = f.random;
    call.args[0] = r.one_in(3) && f.dares() ? pointer(f) : playground_address(f);
    call.args[1] = entry(f);
    call.args[2] = r.one_in(4) ? r.number() : r.below(8);
    call.args[3] = domain(f);
}

}  // namespace

bool shape_of_memory(Fuzzer& f, Prepared& call) {
    constexpr Shape shapes[] = {
        {Hypercall::mmu_update, updates},
        {Hypercall::mmuext_op, extended},
        {Hypercall::memory_op, memory},
        {Hypercall::grant_table_op, grants},
        {Hypercall::update_va_mapping, mapping},
        {Hypercall::update_va_mapping_otherdomain, mapping},
    };
    return apply(shapes, f, call);
}

// Changes of tables, then use of what they lead to.
void one_table_change(Fuzzer& f) {
    Random& r = f.random;
    if (r.one_in(2)) {
        Prepared call{.number = static_cast<uint64_t>(r.one_in(3) ? Hypercall::mmuext_op
                                                                  : Hypercall::mmu_update)};
        shape_of_memory(f, call);
        hypercall_raw(call.number, call.args[0], call.args[1], call.args[2], call.args[3]);
        mmuext(static_cast<uint32_t>(hv::abi::MmuextCmd::MMUEXT_TLB_FLUSH_LOCAL));
    }
    const uint64_t at = playground_address(f) & ~uint64_t{7};
    if (r.one_in(2)) {
        word(at) = r.next();
    } else {
        [[maybe_unused]] const uint64_t read = word(at);
    }
}

}  // namespace fuzz
