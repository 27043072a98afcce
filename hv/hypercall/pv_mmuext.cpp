// SPDX-License-Identifier: Apache-2.0
// mmuext_op(list, count, done, foreign domain) of PV guests. [xen-pub] xen.h.
#include "hv/abi/xen_pv.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/hypercall/pv_batch.hpp"
#include "hv/hypercall/pv_flush.hpp"
#include "hv/pv/descriptors.hpp"
#include "hv/pv/page_tables.hpp"
#include "hv/pv/roots.hpp"

#include <cstring>

namespace hv::hypercall {

namespace {

constexpr uint32_t ops_at_a_time = 32;

Answer new_base(const Call& call, Gfn table) {
    TRY(edge(pv::use_root(call.domain(), table)));
    pv::set_kernel_root(call.vcpu, to_gpaddr(table).value());
    return 0;
}

Answer new_user_base(const Call& call, uint64_t mfn) {
    if (mfn != 0) {
        TRY(edge(pv::use_root(call.domain(), Gfn{mfn})));
    }
    // RCX is where the stub returns to: into the kernel.
    pv::set_user_root(call.vcpu, to_gpaddr(Gfn{mfn}).value(), GuestVaddr{call.vcpu.registers.rcx});
    return 0;
}

Answer clear_page(const Call& call, Gfn gfn) {
    const bool done = pv::own_frame(call.domain(), gfn) &&
                      call.domain().p2m.with_page(
                          gfn, true, [](std::byte* page) { std::memset(page, 0, page_size); });
    return done ? Answer{uint64_t{0}} : fail(Errno::XEN_EINVAL);
}

Answer copy_page(const Call& call, Gfn to, Gfn from) {
    domain::Domain& domain = call.domain();
    const LockGuard guard{domain.lock};  // the frames stay the domain's until they are copied
    const auto target = pv::own_frame(domain, to);
    const auto source = pv::own_frame(domain, from);
    if (!target || !source) {
        return fail(Errno::XEN_EINVAL);
    }
    if (*target != *source) {
        std::memcpy(mm::direct_map(*target), mm::direct_map(*source), page_size);
    }
    return 0;
}

// Looks at as many descriptors as there are entries in that many page tables.
Answer set_ldt(Call& call, const abi::MmuextOp& op) {
    constexpr uint32_t most_pages = 16;
    static_assert(most_pages <= Call::most_tables);
    if (call.tables_left < most_pages) {
        return again();
    }
    call.tables_left -= most_pages;
    if (!pv::set_ldt(call.vcpu, op.arg1.linear_addr, op.arg2.nr_ents)) {
        return fail(Errno::XEN_EINVAL);
    }
    return 0;
}

Answer flush_some(Call& call, uint64_t bitmap) {
    TRY(read<uint64_t>(call, GuestVaddr{bitmap}));
    flush_all(call);
    return 0;
}

Answer carry_out(Call& call, const abi::MmuextOp& op) {
    domain::Domain& domain = call.domain();
    const Gfn gfn{op.arg1.mfn};
    switch (static_cast<abi::MmuextCmd>(op.cmd)) {
        case abi::MmuextCmd::MMUEXT_PIN_L1_TABLE:
        case abi::MmuextCmd::MMUEXT_PIN_L2_TABLE:
        case abi::MmuextCmd::MMUEXT_PIN_L3_TABLE:
        case abi::MmuextCmd::MMUEXT_PIN_L4_TABLE:
            TRY(edge(pv::pin(domain, gfn, static_cast<uint8_t>(op.cmd + 1), call.tables_left)));
            return 0;
        case abi::MmuextCmd::MMUEXT_UNPIN_TABLE:
            TRY(edge(pv::unpin(domain, gfn, call.tables_left)));
            return 0;
        case abi::MmuextCmd::MMUEXT_NEW_BASEPTR:
            return new_base(call, gfn);
        case abi::MmuextCmd::MMUEXT_NEW_USER_BASEPTR:
            return new_user_base(call, op.arg1.mfn);
        case abi::MmuextCmd::MMUEXT_TLB_FLUSH_LOCAL:
        case abi::MmuextCmd::MMUEXT_INVLPG_LOCAL:
            flush_local(call);
            return 0;
        case abi::MmuextCmd::MMUEXT_TLB_FLUSH_ALL:
        case abi::MmuextCmd::MMUEXT_INVLPG_ALL:
            flush_all(call);
            return 0;
        case abi::MmuextCmd::MMUEXT_TLB_FLUSH_MULTI:
        case abi::MmuextCmd::MMUEXT_INVLPG_MULTI:
            return flush_some(call, op.arg2.vcpumask);
        case abi::MmuextCmd::MMUEXT_FLUSH_CACHE:
        case abi::MmuextCmd::MMUEXT_FLUSH_CACHE_GLOBAL:
            return 0;  // no device reads around the caches
        case abi::MmuextCmd::MMUEXT_SET_LDT:
            return set_ldt(call, op);
        case abi::MmuextCmd::MMUEXT_CLEAR_PAGE:
            return clear_page(call, gfn);
        case abi::MmuextCmd::MMUEXT_COPY_PAGE:
            return copy_page(call, gfn, Gfn{op.arg2.src_mfn});
        case abi::MmuextCmd::MMUEXT_MARK_SUPER:
        case abi::MmuextCmd::MMUEXT_UNMARK_SUPER:
            return fail(Errno::XEN_EOPNOTSUPP);
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace

Answer mmuext_op(Call& call) {
    TRY(require_self(call, static_cast<uint16_t>(call.args[3])));
    return for_each_request<abi::MmuextOp>(
        call, ops_at_a_time, [&](const abi::MmuextOp& op) { return carry_out(call, op); });
}

}  // namespace hv::hypercall
