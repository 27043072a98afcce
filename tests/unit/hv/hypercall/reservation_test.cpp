// SPDX-License-Identifier: Apache-2.0
// Ballooning.
#include "hv/abi/xen_memory.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::Gfn;
using hv::abi::Errno;
using hv::abi::Hypercall;
using Op = hv::abi::MemoryOp;
namespace abi = hv::abi;

class Reservation : public HypercallTest {
  protected:
    int64_t change(Op op, uint64_t list, uint64_t count, uint32_t order = 0,
                   uint16_t dom = abi::DOMID_SELF) {
        abi::MemoryReservation args{};
        args.extent_start = list;
        args.nr_extents = count;
        args.extent_order = order;
        args.domid = dom;
        return guest.call(Hypercall::memory_op, static_cast<uint64_t>(op), guest.put(args));
    }
    template <size_t N>
    int64_t decrease(const std::array<uint64_t, N>& gfns) {
        return change(Op::XENMEM_decrease_reservation, guest.put(gfns), N);
    }
    template <size_t N>
    int64_t populate(const std::array<uint64_t, N>& gfns) {
        return change(Op::XENMEM_populate_physmap, guest.put(gfns), N);
    }
};

TEST_F(Reservation, pages_go_and_come_back_empty) {
    domain.at<uint64_t>(0x3000) = 0x5ec2e7;
    const hv::Mfn mfn = domain.mfn(Gfn{3});
    EXPECT_EQ(decrease(std::array<uint64_t, 1>{3}), 1);
    EXPECT_FALSE(domain.mapping(Gfn{3}));
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages - 1);
    EXPECT_EQ(hv::mm::machine_frames.get(mfn).use, hv::mm::FrameUse::SetAside);
    EXPECT_EQ(hv::mm::machine_frames.get(mfn).owner, domain.id());

    EXPECT_EQ(populate(std::array<uint64_t, 1>{0x300}), 1);
    EXPECT_EQ(domain.mfn(Gfn{0x300}), mfn);
    EXPECT_EQ(domain.at<uint64_t>(0x300000), 0U);
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages);
    EXPECT_TRUE(hv::mm::machine_frames.is_guest_frame_of(mfn, domain.id()));
}

TEST_F(Reservation, page_is_listed_only_after_the_flush) {
    machine.on_flush = [&](hv::domain::Domain& d) {
        EXPECT_FALSE(domain.mapping(Gfn{3}));
        EXPECT_EQ(d.set_aside_count, 0U);
    };
    EXPECT_EQ(decrease(std::array<uint64_t, 2>{3, 4}), 2);
    EXPECT_EQ(machine.flushes[&domain.domain()], 1U);
    EXPECT_EQ(domain.domain().set_aside_count, 2U);
}

TEST_F(Reservation, answer_is_how_far_it_came) {
    // 1000 is not mapped.
    EXPECT_EQ(decrease(std::array<uint64_t, 4>{3, 4, 1000, 5}), 2);
    EXPECT_TRUE(domain.mapping(Gfn{5}));
    EXPECT_EQ(populate(std::array<uint64_t, 3>{3, 4, 1000}), 2);  // no more to give
    EXPECT_EQ(domain.domain().set_aside_count, 0U);
}

TEST_F(Reservation, reserve_is_handed_out_up_to_the_maximum) {
    const hv::Mfn reserve = machine.add_reserve(domain, 3);
    EXPECT_EQ(hv::mm::machine_frames.get(reserve).use, hv::mm::FrameUse::SetAside);
    EXPECT_EQ(hv::mm::machine_frames.get(reserve + 2).owner, domain.id());
    EXPECT_EQ(populate(std::array<uint64_t, 4>{0x300, 0x301, 0x302, 0x303}), 3);
    EXPECT_EQ(domain.mfn(Gfn{0x300}), reserve);
    EXPECT_EQ(domain.mfn(Gfn{0x302}), reserve + 2);
    EXPECT_TRUE(hv::mm::machine_frames.is_guest_frame_of(reserve, domain.id()));
    EXPECT_EQ(domain.domain().tot_pages, domain.domain().max_pages);
    EXPECT_EQ(domain.domain().reserve_count, 0U);
}

TEST_F(Reservation, reserve_of_another_is_out_of_reach) {
    machine.add_reserve(other, 3);
    EXPECT_EQ(populate(std::array<uint64_t, 1>{0x300}), 0);
    EXPECT_EQ(other.domain().reserve_count, 3U);
}

TEST_F(Reservation, what_was_given_back_comes_before_the_reserve_and_empty) {
    const hv::Mfn reserve = machine.add_reserve(domain, 1);
    domain.at<uint64_t>(0x3000) = 0x5ec2e7;
    const hv::Mfn given = domain.mfn(Gfn{3});
    ASSERT_EQ(decrease(std::array<uint64_t, 1>{3}), 1);
    EXPECT_EQ(populate(std::array<uint64_t, 2>{0x300, 0x301}), 2);
    EXPECT_EQ(domain.mfn(Gfn{0x300}), given);
    EXPECT_EQ(domain.mfn(Gfn{0x301}), reserve);
    EXPECT_EQ(domain.at<uint64_t>(0x300000), 0U);
}

TEST_F(Reservation, reserve_stays_when_there_is_no_table) {
    machine.add_reserve(domain, 100);
    // Each place needs three tables, and the pool has few.
    uint64_t done = 0;
    while (populate(std::array<uint64_t, 1>{(done + 1) << 27}) == 1) {
        ++done;
    }
    EXPECT_GT(done, 0U);
    EXPECT_EQ(domain.domain().reserve_count, 100 - done);
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages + done);
}

TEST_F(Reservation, occupied_places_are_not_populated) {
    ASSERT_EQ(decrease(std::array<uint64_t, 1>{3}), 1);
    EXPECT_EQ(populate(std::array<uint64_t, 1>{4}), 0);
    EXPECT_EQ(populate(std::array<uint64_t, 1>{hv::mm::P2m::gfn_limit}), 0);
    EXPECT_EQ(populate(std::array<uint64_t, 1>{~0UL}), 0);
    EXPECT_EQ(domain.domain().set_aside_count, 1U);
}

TEST_F(Reservation, page_that_others_have_mapped_stays) {
    hv::mm::machine_frames.add_foreign_mapping(domain.mfn(Gfn{3}));
    EXPECT_EQ(decrease(std::array<uint64_t, 1>{3}), 0);
    EXPECT_TRUE(domain.mapping(Gfn{3}));
}

TEST_F(Reservation, shared_and_foreign_pages_are_not_ram) {
    ASSERT_TRUE(
        domain.domain()
            .p2m.map(Gfn{200}, domain.domain().shared_info_mfn, 1, hv::mm::Access::ReadWrite)
            .ok());
    ASSERT_TRUE(
        domain.domain().p2m.map(Gfn{201}, other.mfn(Gfn{1}), 1, hv::mm::Access::ReadWrite).ok());
    EXPECT_EQ(decrease(std::array<uint64_t, 1>{200}), 0);
    EXPECT_EQ(decrease(std::array<uint64_t, 1>{201}), 0);
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages);
}

TEST_F(Reservation, same_page_twice_counts_once) {
    EXPECT_EQ(decrease(std::array<uint64_t, 2>{3, 3}), 1);
    EXPECT_EQ(domain.domain().set_aside_count, 1U);
}

TEST_F(Reservation, larger_extents_are_pages_in_a_row) {
    EXPECT_EQ(
        change(Op::XENMEM_decrease_reservation, guest.put(std::array<uint64_t, 2>{8, 16}), 2, 3),
        2);
    EXPECT_EQ(domain.domain().set_aside_count, 16U);
    EXPECT_FALSE(domain.mapping(Gfn{23}));
    EXPECT_TRUE(domain.mapping(Gfn{24}));
    EXPECT_EQ(change(Op::XENMEM_populate_physmap, guest.put(uint64_t{0x400}), 1, 4), 1);
    EXPECT_TRUE(domain.mapping(Gfn{0x40f}));
}

TEST_F(Reservation, extents_of_absurd_size_are_not_done) {
    const uint64_t list = guest.put(uint64_t{0});
    for (const uint32_t order : {7U, 20U, 64U, ~0U}) {
        EXPECT_EQ(change(Op::XENMEM_decrease_reservation, list, 1, order), 0);
    }
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages);
}

TEST_F(Reservation, long_lists_are_done_in_bounded_parts) {
    std::array<uint64_t, 100> gfns{};
    std::array<uint64_t, 150> places{};
    for (size_t n = 0; n < places.size(); ++n) {
        gfns[n % gfns.size()] = n % gfns.size();
        places[n] = 0x400 + n;
    }
    EXPECT_EQ(decrease(gfns), 100);
    EXPECT_EQ(guest.rounds(), 2U);
    EXPECT_EQ(domain.domain().set_aside_count, 100U);
    EXPECT_FALSE(domain.mapping(Gfn{99}));
    EXPECT_EQ(populate(places), 100);  // in two parts, and then there is no more
    EXPECT_EQ(guest.rounds(), 2U);
    EXPECT_TRUE(domain.mapping(Gfn{0x463}));
    EXPECT_FALSE(domain.mapping(Gfn{0x464}));
}

TEST_F(Reservation, parts_end_between_extents) {
    // Three extents of 32 pages: two fit into one part.
    const uint64_t list = guest.put(std::array<uint64_t, 3>{64, 0, 32});
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, list, 3, 5), 3);
    EXPECT_EQ(guest.rounds(), 2U);
    EXPECT_EQ(domain.domain().set_aside_count, 96U);
    EXPECT_FALSE(domain.mapping(Gfn{95}));
    EXPECT_TRUE(domain.mapping(Gfn{96}));
}

TEST_F(Reservation, unreadable_lists_and_counts) {
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, Guest::not_mapped, 1), 0);
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, 0, ~0UL), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, 0, 0), 0);
    // A made-up continuation that claims more than there is.
    abi::MemoryReservation args{};
    args.nr_extents = 2;
    args.domid = abi::DOMID_SELF;
    EXPECT_EQ(guest.call(Hypercall::memory_op, 1 | 3 << 6, guest.put(args)),
              minus(Errno::XEN_EINVAL));
}

TEST_F(Reservation, only_ones_own) {
    const uint64_t list = guest.put(uint64_t{3});
    EXPECT_EQ(change(Op::XENMEM_decrease_reservation, list, 1, 0, 2), minus(Errno::XEN_EPERM));
    EXPECT_EQ(change(Op::XENMEM_populate_physmap, list, 1, 0, 99), minus(Errno::XEN_ESRCH));
    EXPECT_EQ(change(Op::XENMEM_increase_reservation, list, 1), 0);  // gives none
}

}  // namespace
