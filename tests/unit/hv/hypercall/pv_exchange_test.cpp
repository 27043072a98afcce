// SPDX-License-Identifier: Apache-2.0
// XENMEM_exchange and reservations of PV domains: which frame is where afterwards, and that what
// fails changes nothing.
#include "hv/abi/xen_memory.hpp"
#include "hv/sched/sched.hpp"
#include "tests/unit/hv/hypercall/pv_memory_fixture.hpp"

namespace {

using hv::Gfn;
using hv::Mfn;
using hv::abi::Errno;
using hv::abi::Hypercall;
using Op = hv::abi::MemoryOp;
namespace abi = hv::abi;

class PvExchange : public PvMemoryTest {
  protected:
    static constexpr uint64_t spare = abi::pv_spare_gfn;

    static abi::MemoryReservation extents(uint64_t list, uint64_t count, uint32_t order) {
        abi::MemoryReservation made{};
        made.extent_start = list;
        made.nr_extents = count;
        made.extent_order = order;
        made.domid = abi::DOMID_SELF;
        return made;
    }
    int64_t exchange(const abi::MemoryExchange& args) {
        at = guest.put(args);
        return guest.call(Hypercall::memory_op, static_cast<uint64_t>(Op::XENMEM_exchange), at);
    }
    uint64_t exchanged_count() { return guest.get<abi::MemoryExchange>(at).nr_exchanged; }
    int64_t change(Op op, uint64_t list, uint64_t count, uint32_t order) {
        return guest.call(Hypercall::memory_op, static_cast<uint64_t>(op),
                          guest.put(extents(list, count, order)));
    }
    // Every frame of RAM is where it was.
    void expect_nothing_changed() {
        for (uint64_t n = 0; n < FakeDomain::ram_pages; ++n) {
            ASSERT_TRUE(domain.mapping(Gfn{n})) << n;
            EXPECT_EQ(domain.mfn(Gfn{n}), before + n);
        }
        EXPECT_FALSE(domain.domain().p2m.next_mapped(Gfn{spare}) < Gfn{abi::pv_spare_gfn_end});
        EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages);
    }

    uint64_t at = 0;
    const Mfn before = domain.mfn(Gfn{0});
};

TEST_F(PvExchange, single_frames_become_a_run) {
    const uint64_t in = guest.put(std::array<uint64_t, 4>{9, 3, 5, 40});
    const uint64_t out = guest.put(uint64_t{0x70});
    machine.on_flush = [&](hv::domain::Domain&) { EXPECT_FALSE(domain.mapping(Gfn{9})); };
    EXPECT_EQ(exchange({.in = extents(in, 4, 0), .out = extents(out, 1, 2)}), 0);
    EXPECT_EQ(machine.flushes[&domain.domain()], 1U);
    EXPECT_EQ(exchanged_count(), 4U);
    EXPECT_EQ(guest.get<uint64_t>(out), spare);
    EXPECT_EQ(domain.mfn(Gfn{spare}), before + 9);
    EXPECT_EQ(domain.mfn(Gfn{spare + 3}), before + 40);
    EXPECT_EQ(m2p(spare + 3), 0x73U);
    EXPECT_EQ(m2p(9), abi::pv_invalid_m2p_entry);
    EXPECT_FALSE(domain.mapping(Gfn{3}));
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages);

    // And back.
    machine.on_flush = {};
    const uint64_t run = guest.put(spare);
    const uint64_t singles = guest.put(std::array<uint64_t, 4>{1, 2, 3, 4});
    EXPECT_EQ(exchange({.in = extents(run, 1, 2), .out = extents(singles, 4, 0)}), 0);
    EXPECT_EQ(exchanged_count(), 1U);
    for (uint64_t n = 0; n < 4; ++n) {
        const auto name = guest.get<std::array<uint64_t, 4>>(singles)[n];
        EXPECT_LT(name, FakeDomain::ram_pages);
        EXPECT_EQ(m2p(name), 1 + n);
    }
    EXPECT_FALSE(domain.mapping(Gfn{spare}));
}

TEST_F(PvExchange, what_may_not_go_stays_with_all_the_others) {
    hv::mm::machine_frames.add_foreign_mapping(domain.mfn(Gfn{20}));  // granted and mapped
    levels[21] = 1;                                                   // a page table
    ASSERT_TRUE(domain.domain()
                    .p2m
                    .map(Gfn{abi::pv_shared_info_gfn}, domain.domain().shared_info_mfn, 1,
                         hv::mm::Access::ReadWrite)
                    .ok());
    for (const uint64_t bad : {uint64_t{20}, uint64_t{21}, uint64_t{3}, abi::pv_shared_info_gfn,
                               abi::pv_m2p_gfn, spare, uint64_t{1000}, ~uint64_t{0}}) {
        const uint64_t in = guest.put(std::array<uint64_t, 2>{3, bad});
        const uint64_t out = guest.put(uint64_t{0x70});
        EXPECT_EQ(exchange({.in = extents(in, 2, 0), .out = extents(out, 1, 1)}),
                  minus(Errno::XEN_EINVAL));
        EXPECT_EQ(exchanged_count(), 0U);
        EXPECT_EQ(guest.get<uint64_t>(out), 0x70U);
    }
    expect_nothing_changed();
}

TEST_F(PvExchange, no_names_in_a_row_is_no_memory) {
    // One frame in each place where a run could be.
    for (uint64_t name = spare; name < abi::pv_spare_gfn_end; name += 64) {
        ASSERT_TRUE(domain.domain()
                        .p2m.map(Gfn{name}, other.mfn(Gfn{0}), 1, hv::mm::Access::ReadOnly)
                        .ok());
    }
    std::array<uint64_t, 64> odd{};
    for (uint64_t n = 0; n < odd.size(); ++n) {
        odd[n] = 2 * n + 1;
    }
    const uint64_t in = guest.put(odd);
    const uint64_t out = guest.put(uint64_t{0});
    EXPECT_EQ(exchange({.in = extents(in, 64, 0), .out = extents(out, 1, 6)}),
              minus(Errno::XEN_ENOMEM));
    for (uint64_t n = 0; n < FakeDomain::ram_pages; ++n) {
        EXPECT_EQ(domain.mfn(Gfn{n}), before + n);
    }
    EXPECT_EQ(exchanged_count(), 0U);
}

TEST_F(PvExchange, no_tables_is_no_memory) {
    uint64_t far = uint64_t{1} << 20;
    while (domain.domain().p2m.map(Gfn{far}, other.mfn(Gfn{0}), 1, hv::mm::Access::ReadOnly).ok()) {
        far += uint64_t{1} << 18;
    }
    const uint64_t in = guest.put(std::array<uint64_t, 2>{3, 4});
    const uint64_t out = guest.put(uint64_t{0x70});
    EXPECT_EQ(exchange({.in = extents(in, 2, 0), .out = extents(out, 1, 1)}),
              minus(Errno::XEN_ENOMEM));
    expect_nothing_changed();
}

TEST_F(PvExchange, answers_that_cannot_be_written) {
    const uint64_t in = guest.put(std::array<uint64_t, 2>{3, 4});
    EXPECT_EQ(exchange({.in = extents(in, 2, 0), .out = extents(Guest::not_mapped, 1, 1)}),
              minus(Errno::XEN_EFAULT));
    EXPECT_EQ(exchange({.in = extents(Guest::not_mapped, 2, 0), .out = extents(in, 1, 1)}),
              minus(Errno::XEN_EFAULT));
    // Readable, but not writable.
    constexpr uint64_t window = 0x200;
    ASSERT_TRUE(
        domain.domain().p2m.map(Gfn{window}, domain.mfn(Gfn{7}), 1, hv::mm::Access::ReadOnly).ok());
    EXPECT_EQ(exchange({.in = extents(in, 2, 0), .out = extents(address(window), 1, 1)}),
              minus(Errno::XEN_EFAULT));
    // The list is in the very frame that is taken: it cannot be read any more.
    const uint64_t out = guest.put(uint64_t{0x70});
    const uint64_t own = guest.put(std::array<uint64_t, 2>{3, out >> hv::page_shift});
    EXPECT_EQ(exchange({.in = extents(own, 2, 0), .out = extents(out, 1, 1)}),
              minus(Errno::XEN_EFAULT));
    expect_nothing_changed();
}

TEST_F(PvExchange, goes_on_where_it_was_told_and_says_how_far_it_came) {
    const uint64_t in = guest.put(std::array<uint64_t, 6>{1000, 1000, 3, 4, 5, 1000});
    const uint64_t out = guest.put(std::array<uint64_t, 3>{0x70, 0x72, 0x74});
    EXPECT_EQ(exchange({.in = extents(in, 6, 0), .out = extents(out, 3, 1), .nr_exchanged = 2}),
              minus(Errno::XEN_EINVAL));
    EXPECT_EQ(exchanged_count(), 4U);
    const auto answers = guest.get<std::array<uint64_t, 3>>(out);
    EXPECT_EQ(answers[0], 0x70U);
    EXPECT_EQ(answers[1], spare);
    EXPECT_EQ(answers[2], 0x74U);
    EXPECT_EQ(domain.mfn(Gfn{5}), before + 5);
}

TEST_F(PvExchange, long_lists_are_done_in_bounded_parts) {
    std::array<uint64_t, 100> names{};
    for (uint64_t n = 0; n < names.size(); ++n) {
        names[n] = n;
    }
    const uint64_t in = guest.put(names);
    const uint64_t out = guest.put(names);
    EXPECT_EQ(exchange({.in = extents(in, 100, 0), .out = extents(out, 100, 0)}), 0);
    EXPECT_EQ(guest.rounds(), 2U);
    EXPECT_EQ(exchanged_count(), 100U);
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages);
}

TEST_F(PvExchange, a_multicall_of_large_ones_gives_way) {
    std::array<abi::MulticallEntry, 8> list{};
    for (auto& entry : list) {
        const uint64_t in = guest.put(uint64_t{0});
        const uint64_t out = guest.put(uint64_t{0});
        entry.op = static_cast<uint64_t>(Hypercall::memory_op);
        entry.args[0] = static_cast<uint64_t>(Op::XENMEM_exchange);
        entry.args[1] =
            guest.put(abi::MemoryExchange{.in = extents(in, 1, 9), .out = extents(out, 1, 9)});
    }
    EXPECT_EQ(guest.call(Hypercall::multicall, guest.put(list), list.size()), 0);
    EXPECT_GT(guest.rounds(), 3U);
}

TEST_F(PvExchange, counts_and_orders) {
    const uint64_t in = guest.put(std::array<uint64_t, 2>{3, 4});
    const uint64_t out = guest.put(uint64_t{0x70});
    EXPECT_EQ(exchange({.in = extents(in, 2, 10), .out = extents(out, 1, 11)}),
              minus(Errno::XEN_EPERM));
    EXPECT_EQ(exchange({.in = extents(in, 2, 0), .out = extents(out, 2, 1)}),
              minus(Errno::XEN_EINVAL));
    constexpr uint64_t top = uint64_t{1} << 63;
    EXPECT_EQ(exchange({.in = extents(in, 2, 0), .out = extents(out, top | 1, 1)}),
              minus(Errno::XEN_EINVAL));
    EXPECT_EQ(exchange({.in = extents(in, 2, 0), .out = extents(out, 1, 1), .nr_exchanged = 3}),
              minus(Errno::XEN_EINVAL));
    abi::MemoryExchange args{.in = extents(in, 2, 0), .out = extents(out, 1, 1)};
    args.out.domid = 2;
    EXPECT_EQ(exchange(args), minus(Errno::XEN_EINVAL));
    args.in.domid = 2;
    EXPECT_EQ(exchange(args), minus(Errno::XEN_EPERM));
    args.in.domid = args.out.domid = 99;
    EXPECT_EQ(exchange(args), minus(Errno::XEN_ESRCH));
    domain.domain().pv = nullptr;
    EXPECT_EQ(exchange(args), minus(Errno::XEN_EOPNOTSUPP));
    domain.domain().pv = &pv_domain;
    expect_nothing_changed();
}

TEST_F(PvExchange, reservations_of_large_extents) {
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, guest.put(uint64_t{8}), 1, 3), 1);
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages - 8);
    const uint64_t list = guest.put(std::array<uint64_t, 2>{0x60, 0x64});
    EXPECT_EQ(change(Op::XENMEM_populate_physmap, list, 2, 2), 2);
    const auto names = guest.get<std::array<uint64_t, 2>>(list);
    EXPECT_EQ(names[0] % 4, 0U);
    EXPECT_EQ(m2p(names[1] + 3), 0x67U);
    EXPECT_EQ(change(Op::XENMEM_increase_reservation, list, 1, 0), 0);  // no more of it
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, list, 1, 10), 0);
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages);
}

TEST_F(PvExchange, many_frames_are_given_back_with_one_flush) {
    std::array<uint64_t, 64> names{};
    for (uint64_t n = 0; n < names.size(); ++n) {
        names[n] = n;
    }
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, guest.put(names), 64, 0), 64);
    EXPECT_EQ(machine.flushes[&domain.domain()], 1U);
    EXPECT_EQ(domain.domain().set_aside_count, 64U);
}

TEST_F(PvExchange, slow_lists_give_way_after_each_extent) {
    const uint64_t list = guest.put(std::array<uint64_t, 3>{9, 3, 5});
    machine.sched.ns_per_look = hv::sched::slice_ns;
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, list, 3, 0), 3);
    EXPECT_EQ(guest.rounds(), 3U);
    EXPECT_EQ(change(Op::XENMEM_increase_reservation, list, 3, 0), 3);
    EXPECT_EQ(guest.rounds(), 3U);
    const uint64_t out = guest.put(std::array<uint64_t, 3>{});
    EXPECT_EQ(exchange({.in = extents(list, 3, 0), .out = extents(out, 3, 0)}), 0);
    EXPECT_EQ(guest.rounds(), 3U);
    EXPECT_EQ(exchanged_count(), 3U);
}

// They hold the domain's lock for long, and others need it.
TEST_F(PvExchange, no_vcpu_waits_inside_for_another_one) {
    const uint64_t list = guest.put(uint64_t{9});
    auto& r = guest.vcpu().registers;
    pv_domain.memory_op_lock.lock();
    for (const Op op : {Op::XENMEM_decrease_reservation, Op::XENMEM_increase_reservation,
                        Op::XENMEM_populate_physmap, Op::XENMEM_exchange}) {
        machine.sched.is_yielding = false;
        r.rax = static_cast<uint64_t>(Hypercall::memory_op);
        r.rdi = static_cast<uint64_t>(op);
        r.rsi = guest.put(extents(list, 1, 0));
        EXPECT_EQ(hv::hypercall::dispatch(guest.vcpu()), hv::hypercall::Completion::Again);
        EXPECT_EQ(r.rdi, static_cast<uint64_t>(op));
        EXPECT_TRUE(machine.sched.is_yielding);
    }
    expect_nothing_changed();
    pv_domain.memory_op_lock.unlock();
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, list, 1, 0), 1);
    EXPECT_FALSE(domain.mapping(Gfn{9}));
}

TEST_F(PvExchange, an_extent_with_a_frame_that_stays_is_not_given_back) {
    hv::mm::machine_frames.add_foreign_mapping(domain.mfn(Gfn{15}));
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, guest.put(uint64_t{8}), 1, 3), 0);
    expect_nothing_changed();
}

// What is left is less than an extent: none of it is given.
TEST_F(PvExchange, half_an_extent_is_not_given) {
    ASSERT_EQ(change(Op::XENMEM_decrease_reservation, guest.put(uint64_t{8}), 1, 0), 1);
    EXPECT_EQ(change(Op::XENMEM_populate_physmap, guest.put(uint64_t{8}), 1, 1), 0);
    EXPECT_EQ(domain.domain().set_aside_count, 1U);
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages - 1);
}

TEST_F(PvExchange, rings_and_the_m2p_are_not_ram) {
    const Mfn ring = machine.take_frames(1, hv::mm::FrameUse::Guest, domain.id());
    ASSERT_TRUE(
        domain.domain().p2m.map(Gfn{abi::pv_console_gfn}, ring, 1, hv::mm::Access::ReadWrite).ok());
    for (const uint64_t name : {abi::pv_console_gfn, abi::pv_m2p_gfn}) {
        EXPECT_EQ(change(Op::XENMEM_decrease_reservation, guest.put(name), 1, 0), 0);
    }
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages);
    EXPECT_EQ(domain.domain().set_aside_count, 0U);
}

TEST_F(PvExchange, the_physmap_is_not_for_pv_guests) {
    abi::AddToPhysmap add{};
    add.domid = abi::DOMID_SELF;
    add.gpfn = 3;
    const auto call = [&](Op op, uint64_t args) {
        return guest.call(Hypercall::memory_op, static_cast<uint64_t>(op), args);
    };
    EXPECT_EQ(call(Op::XENMEM_add_to_physmap, guest.put(add)), minus(Errno::XEN_EACCES));
    abi::RemoveFromPhysmap remove{};
    remove.domid = abi::DOMID_SELF;
    remove.gpfn = abi::pv_m2p_gfn;
    EXPECT_EQ(call(Op::XENMEM_remove_from_physmap, guest.put(remove)), minus(Errno::XEN_EACCES));
    expect_nothing_changed();
}

}  // namespace
