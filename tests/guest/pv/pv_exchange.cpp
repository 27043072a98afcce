// SPDX-License-Identifier: Apache-2.0
// XENMEM_exchange, and extents of more than one page: what a kernel needs that wants frames in a
// row. The frames are those of the last pfns, which nothing maps.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_memory.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/memory.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"

#include <iterator>

namespace {

using namespace pv;
using hv::abi::Errno;

constexpr uint64_t most = 512;
constexpr uint32_t largest_order = 9;

uint64_t first_pfn() {
    return start_info().nr_pages - most;
}

uint64_t singles[most];

void list_singles(uint64_t count) {
    for (uint64_t k = 0; k < count; ++k) {
        singles[k] = mfn_of(first_pfn() + k);
    }
}

void remember(uint64_t pfn, uint64_t mfn) {
    word(start_info().mfn_list + pfn * 8) = mfn;
}

hv::abi::MemoryExchange to_run(uint64_t* out, uint32_t order) {
    list_singles(uint64_t{1} << order);
    *out = first_pfn();
    return exchange_of(singles, uint64_t{1} << order, 0, out, 1, order);
}

// The run's frames get single names again.
void split(uint64_t run, uint32_t order) {
    const uint64_t count = uint64_t{1} << order;
    for (uint64_t k = 0; k < count; ++k) {
        singles[k] = first_pfn() + k;
    }
    auto args = exchange_of(&run, 1, order, singles, count, 0);
    check_result(exchange(&args), 0, "exchange for single frames");
    check_equal(args.nr_exchanged, 1, "one extent");
    for (uint64_t k = 0; k < count; ++k) {
        check_equal(pfn_of(singles[k]), first_pfn() + k, "the M2P has the pfn");
        remember(first_pfn() + k, singles[k]);
    }
}

void runs() {
    const uint64_t total = current_reservation();
    for (const uint32_t order : {1U, 3U, largest_order}) {
        const uint64_t count = uint64_t{1} << order;
        uint64_t run = 0;
        auto args = to_run(&run, order);
        args.out.mem_flags = 32;
        check_result(exchange(&args), 0, "exchange for a run");
        check_equal(args.nr_exchanged, count, "all of them");
        check_equal(run % count, 0, "it is aligned");
        check(run + count <= uint64_t{1} << 20, "its addresses have 32 bits");
        for (uint64_t k = 0; k < count; ++k) {
            check_equal(pfn_of(run + k), first_pfn() + k, "the M2P has the pfn");
            const bool is_in_run = singles[k] - run < count;
            check(is_in_run || pfn_of(singles[k]) == hv::abi::pv_invalid_m2p_entry,
                  "the old name is nobody's");
        }
        check_equal(current_reservation(), total, "as many as before");
        map_page(window, (run + count - 1) * page_bytes | pte::kernel);
        word(window) = order;
        check_equal(word(window), order, "the last page is there");
        update_va_mapping(window, 0);
        split(run, order);
    }
    check_equal(current_reservation(), total, "as many as before");
}

void large_extents() {
    const uint64_t total = current_reservation();
    constexpr uint32_t order = 3;
    constexpr uint64_t count = 1 << order;
    uint64_t run[1] = {0};
    auto args = to_run(run, order);
    check_result(exchange(&args), 0, "exchange for a run");
    const auto change = [&](hv::abi::MemoryOp op, uint32_t bits = 0) {
        return reserve(op, to_argument(+run), 1, order, bits);
    };
    check_result(change(decrease), 1, "decrease by a run");
    check_equal(current_reservation(), total - count, "eight less");
    check_result(change(decrease), 0, "once");
    run[0] = first_pfn();
    check_result(change(populate, 14), 0, "populate with too narrow addresses");
    check_result(change(populate), 1, "populate with a run");
    check_equal(run[0] % count, 0, "it is aligned");
    check_equal(pfn_of(run[0] + count - 1), first_pfn() + count - 1, "the M2P has the pfns");
    check_result(change(decrease), 1, "decrease by a run");
    check_result(change(increase), 1, "increase by a run");
    check_equal(current_reservation(), total, "as many as before");
    check_result(change(increase), 0, "no more than the plan has");
    for (uint64_t k = 0; k < count; ++k) {
        set_entry((run[0] + k) * page_bytes, first_pfn() + k, 1);
    }
    split(run[0], order);

    // One of a run is missing: nothing of what follows it is taken.
    list_singles(1);
    check_result(reserve(decrease, to_argument(+singles), 1, largest_order + 1), 0, "order 10");
    check_result(reserve(populate, to_argument(+singles), 1, largest_order + 1), 0, "order 10");
    check_equal(current_reservation(), total, "as many as before");
}

void bad_orders_and_counts() {
    uint64_t out = 0;
    auto args = to_run(&out, 1);
    args.in.extent_order = largest_order + 1;
    check_error(exchange(&args), Errno::XEN_EPERM, "in of order 10");
    args = to_run(&out, 1);
    args.out.extent_order = ~0U;
    check_error(exchange(&args), Errno::XEN_EPERM, "out of order 2^32 - 1");
    args = to_run(&out, 1);
    args.in.nr_extents = 3;
    check_error(exchange(&args), Errno::XEN_EINVAL, "more in than out");
    args.in.nr_extents = uint64_t{1} << 63 | 2;
    check_error(exchange(&args), Errno::XEN_EINVAL, "a count that does not fit");
    args.in.nr_extents = 2;
    args.out.nr_extents = uint64_t{1} << 63 | 1;
    check_error(exchange(&args), Errno::XEN_EINVAL, "a count that wraps to the right one");
    args = to_run(&out, 1);
    args.nr_exchanged = 3;
    check_error(exchange(&args), Errno::XEN_EINVAL, "more done than there is");
    args = to_run(&out, 1);
    args.out.domid = 99;
    check_error(exchange(&args), Errno::XEN_EINVAL, "two domains");
    args.in.domid = 99;
    check_error(exchange(&args), Errno::XEN_ESRCH, "nobody's");
    args = to_run(&out, 1);
    for (const uint32_t bits : {1U, 12U, 13U}) {
        args.out.mem_flags = bits;
        check_error(exchange(&args), Errno::XEN_ENOMEM, "addresses that narrow");
    }
    args = exchange_of(singles, 0, 0, &out, 0, 1);
    check_result(exchange(&args), 0, "nothing for nothing");
    check_equal(args.nr_exchanged, 0, "none");
}

void bad_frames() {
    const uint64_t table = mfn_of(take_page());
    check_result(mmuext(0, table), 0, "pin");
    const uint64_t bad[] = {hv::abi::pv_shared_info_gfn,
                            hv::abi::pv_m2p_gfn,
                            hv::abi::pv_area_gfn,
                            hv::abi::pv_console_gfn,
                            hv::abi::pv_xenstore_gfn,
                            hv::abi::pv_spare_gfn,
                            hv::abi::pv_foreign_gfn,
                            hv::abi::pv_grant_table_gfn,
                            uint64_t{0x90000},
                            uint64_t{1} << 40,
                            ~uint64_t{0},
                            root_mfn(),
                            table};
    const uint64_t good = mfn_of(first_pfn());
    for (const uint64_t frame : bad) {
        uint64_t in[2] = {good, frame};
        uint64_t out = 77;
        auto args = exchange_of(in, 2, 0, &out, 1, 1);
        check_error(exchange(&args), Errno::XEN_EINVAL, "a frame that is not ours to give");
        check_equal(args.nr_exchanged, 0, "nothing is done");
        check_equal(out, 77, "nor said");
        check_equal(pfn_of(good), first_pfn(), "and the good one is what it was");
    }
    uint64_t in[2] = {good, good};
    uint64_t out = 77;
    auto args = exchange_of(in, 2, 0, &out, 1, 1);
    check_error(exchange(&args), Errno::XEN_EINVAL, "one frame twice");
    args = exchange_of(in + 1, 1, 1, in, 2, 0);
    in[1] = ~uint64_t{0} - 1;
    check_error(exchange(&args), Errno::XEN_EINVAL, "an extent that wraps");
    check_result(mmuext(4, table), 0, "unpin");
    check_equal(pfn_of(good), first_pfn(), "nothing has changed");
}

// XSA-212: what the answers are written to is the caller's word.
void bad_pointers() {
    const uint64_t total = current_reservation();
    for (const uint64_t at : {not_mapped, not_canonical, ~uint64_t{0} - 15, uint64_t{0}}) {
        check_error(hypercall(Hypercall::memory_op, MemoryOp::XENMEM_exchange, at),
                    Errno::XEN_EFAULT, "no arguments");
    }
    uint64_t out = 0;
    for (const uint64_t at : {not_mapped, not_canonical, ~uint64_t{0} - 3}) {
        auto args = to_run(&out, 1);
        args.in.extent_start = at;
        check_error(exchange(&args), Errno::XEN_EFAULT, "no list of frames");
        args = to_run(&out, 1);
        args.out.extent_start = at;
        check_error(exchange(&args), Errno::XEN_EFAULT, "nowhere to answer");
        check_equal(args.nr_exchanged, 0, "nothing is done");
    }
    const uint64_t page = take_page();
    word(virt_of(page)) = first_pfn();
    update_va_mapping(virt_of(page), mfn_of(page) * page_bytes | pte::kernel_read_only);
    auto args = to_run(&out, 1);
    args.out.extent_start = virt_of(page);
    check_error(exchange(&args), Errno::XEN_EFAULT, "a list of answers that is read-only");
    args.out.extent_start = hv::abi::pv_m2p_virt + mfn_of(page) * 8;
    check_error(exchange(&args), Errno::XEN_EFAULT, "the M2P as a list of answers");
    check_equal(pfn_of(mfn_of(page)), page, "the M2P is what it was");
    // An element of the list is found by its number: this one would be in the M2P.
    args = exchange_of(singles, 2, 0, &out, 2, 0);
    args.nr_exchanged = 1;
    args.out.extent_start = hv::abi::pv_m2p_virt - 8;
    check_error(exchange(&args), Errno::XEN_EFAULT, "an element in the M2P");
    args = to_run(&out, 1);
    update_va_mapping(virt_of(page), mfn_of(page) * page_bytes | pte::kernel);
    __builtin_memcpy(reinterpret_cast<void*>(virt_of(page)), &args, sizeof(args));
    update_va_mapping(virt_of(page), mfn_of(page) * page_bytes | pte::kernel_read_only);
    check_error(hypercall(Hypercall::memory_op, MemoryOp::XENMEM_exchange, virt_of(page)),
                Errno::XEN_EFAULT, "arguments that are read-only");
    update_va_mapping(virt_of(page), mfn_of(page) * page_bytes | pte::kernel);
    check_equal(pfn_of(mfn_of(first_pfn())), first_pfn(), "nothing has changed");
    check_equal(current_reservation(), total, "as many as before");
}

// The second extent cannot be had: the first is exchanged, and that is said.
void partial() {
    list_singles(4);
    const uint64_t last = singles[3];
    singles[3] = hv::abi::pv_m2p_gfn;
    uint64_t outs[2] = {first_pfn(), 77};
    auto args = exchange_of(singles, 4, 0, outs, 2, 1);
    check_error(exchange(&args), Errno::XEN_EINVAL, "the second extent is bad");
    check_equal(args.nr_exchanged, 2, "two frames are exchanged");
    check_equal(pfn_of(outs[0] + 1), first_pfn() + 1, "the first extent is there");
    check_equal(outs[1], 77, "the second is untouched");
    check_equal(pfn_of(singles[2]), first_pfn() + 2, "and its frames are");
    singles[3] = last;
    outs[1] = first_pfn() + 2;
    check_result(exchange(&args), 0, "going on");
    check_equal(args.nr_exchanged, 4, "all four");
    for (unsigned k = 0; k < 4; ++k) {
        remember(first_pfn() + k, outs[k / 2] + k % 2);
    }
    // More single ones than are done at a time.
    list_singles(200);
    static uint64_t answers[200];
    for (uint64_t k = 0; k < std::size(answers); ++k) {
        answers[k] = first_pfn() + k;
    }
    args = exchange_of(singles, 200, 0, answers, 200, 0);
    check_result(exchange(&args), 0, "200 single frames");
    check_equal(args.nr_exchanged, 200, "all 200");
    for (uint64_t k = 0; k < std::size(answers); ++k) {
        check_equal(pfn_of(answers[k]), first_pfn() + k, "the M2P has the pfn");
        remember(first_pfn() + k, answers[k]);
    }
}

void all() {
    runs();
    large_extents();
    bad_orders_and_counts();
    bad_frames();
    bad_pointers();
    partial();
}

}  // namespace

void pv::run() {
    run_both_ways(all);
}
