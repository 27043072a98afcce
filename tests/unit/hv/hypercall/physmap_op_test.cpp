// SPDX-License-Identifier: Apache-2.0
// Shared pages in a guest's physmap, and the builder's window.
#include "hv/abi/xen_grant_table.hpp"
#include "hv/abi/xen_memory.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::Gfn;
using hv::abi::Errno;
using hv::abi::Hypercall;
using Op = hv::abi::MemoryOp;
using Space = hv::abi::PhysMapSpace;
namespace abi = hv::abi;

class PhysmapOp : public HypercallTest {
  protected:
    static constexpr uint64_t window = 0x200;  // nothing is there
    static constexpr uint64_t foreign_window = hv::domain::builder_window_first.value();

    static int64_t memory_op(Guest& caller, Op op, uint64_t argument) {
        return caller.call(Hypercall::memory_op, static_cast<uint64_t>(op), argument);
    }
    int64_t add(Space space, uint64_t index, uint64_t gfn, uint16_t dom = abi::DOMID_SELF) {
        abi::AddToPhysmap args{};
        args.domid = dom;
        args.space = static_cast<uint32_t>(space);
        args.idx = index;
        args.gpfn = gfn;
        return memory_op(guest, Op::XENMEM_add_to_physmap, guest.put(args));
    }
    int64_t remove(Guest& caller, uint64_t gfn, uint16_t dom = abi::DOMID_SELF) {
        abi::RemoveFromPhysmap args{};
        args.domid = dom;
        args.gpfn = gfn;
        return memory_op(caller, Op::XENMEM_remove_from_physmap, caller.put(args));
    }

    // As when it caps.
    void clear_window() {
        hv::domain::unmap_foreign_range(builder_domain.domain(), hv::domain::builder_window_first,
                                        hv::domain::builder_window_pages);
    }

    template <size_t N>
    struct Batch {
        std::array<uint64_t, N> idxs{};
        std::array<uint64_t, N> gpfns{};
        std::array<int32_t, N> errs{};
    };
    template <size_t N>
    int64_t add_batch(Guest& caller, Space space, uint16_t foreign, Batch<N>& batch) {
        abi::AddToPhysmapBatch args{};
        args.domid = abi::DOMID_SELF;
        args.space = static_cast<uint16_t>(space);
        args.size = N;
        args.u.foreign_domid = foreign;
        args.idxs = caller.put(batch.idxs);
        args.gpfns = caller.put(batch.gpfns);
        args.errs = caller.put(batch.errs);
        const int64_t result = memory_op(caller, Op::XENMEM_add_to_physmap_batch, caller.put(args));
        batch.errs = caller.get<decltype(batch.errs)>(args.errs);
        return result;
    }
};

TEST_F(PhysmapOp, shared_info_appears_where_the_guest_wants_it) {
    EXPECT_EQ(add(Space::XENMAPSPACE_shared_info, 0, window), 0);
    EXPECT_EQ(domain.mfn(Gfn{window}), domain.domain().shared_info_mfn);
    EXPECT_EQ(domain.mapping(Gfn{window})->access, hv::mm::Access::ReadWrite);
    EXPECT_TRUE(machine.flushes.empty());
}

TEST_F(PhysmapOp, ram_under_shared_info_is_set_aside_after_the_flush) {
    const hv::Mfn ram = domain.mfn(Gfn{1});
    machine.on_flush = [&](hv::domain::Domain& d) {
        EXPECT_EQ(&d, &domain.domain());
        EXPECT_EQ(hv::mm::machine_frames.get(ram).use, hv::mm::FrameUse::Guest);
        EXPECT_EQ(d.set_aside_count, 0U);
    };
    EXPECT_EQ(add(Space::XENMAPSPACE_shared_info, 0, 1), 0);
    EXPECT_EQ(machine.flushes[&domain.domain()], 1U);
    EXPECT_EQ(hv::mm::machine_frames.get(ram).use, hv::mm::FrameUse::SetAside);
    EXPECT_EQ(domain.domain().tot_pages, FakeDomain::ram_pages - 1);
}

TEST_F(PhysmapOp, grant_frames_appear_and_the_table_grows) {
    EXPECT_EQ(add(Space::XENMAPSPACE_grant_table, 1, window), 0);
    EXPECT_EQ(domain.domain().grants->frame_count(), 2U);
    EXPECT_EQ(domain.mfn(Gfn{window}), *domain.domain().grants->frame(1));
    EXPECT_EQ(add(Space::XENMAPSPACE_grant_table, 2, window), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(add(Space::XENMAPSPACE_grant_table, abi::XENMAPIDX_grant_table_status, window),
              minus(Errno::XEN_EINVAL));
    EXPECT_EQ(add(Space::XENMAPSPACE_grant_table, ~0UL, window), minus(Errno::XEN_EINVAL));
}

TEST_F(PhysmapOp, bad_places_and_spaces_are_refused) {
    EXPECT_EQ(add(Space::XENMAPSPACE_shared_info, 1, window), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(add(Space::XENMAPSPACE_shared_info, 0, hv::mm::P2m::gfn_limit),
              minus(Errno::XEN_EINVAL));
    EXPECT_EQ(add(Space::XENMAPSPACE_shared_info, 0, ~0UL), minus(Errno::XEN_EINVAL));
    for (const Space space : {Space::XENMAPSPACE_gmfn, Space::XENMAPSPACE_gmfn_range,
                              Space::XENMAPSPACE_gmfn_foreign, Space::XENMAPSPACE_dev_mmio}) {
        EXPECT_EQ(add(space, 0, window), minus(Errno::XEN_ENOSYS));
    }
    EXPECT_EQ(add(Space::XENMAPSPACE_shared_info, 0, window, 2), minus(Errno::XEN_EPERM));
    EXPECT_EQ(add(Space::XENMAPSPACE_shared_info, 0, window, 99), minus(Errno::XEN_ESRCH));
    EXPECT_FALSE(domain.mapping(Gfn{window}));
}

TEST_F(PhysmapOp, foreign_and_device_pages_in_the_way_stay) {
    const hv::Mfn device = machine.take_frames(1, hv::mm::FrameUse::Absent);
    ASSERT_TRUE(domain.domain().p2m.map_device(Gfn{window}, device, 1).ok());
    EXPECT_EQ(add(Space::XENMAPSPACE_shared_info, 0, window), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(remove(guest, window), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(domain.mfn(Gfn{window}), device);
}

TEST_F(PhysmapOp, shared_pages_and_ram_can_be_removed) {
    ASSERT_EQ(add(Space::XENMAPSPACE_shared_info, 0, window), 0);
    EXPECT_EQ(remove(guest, window), 0);
    EXPECT_FALSE(domain.mapping(Gfn{window}));
    EXPECT_EQ(domain.domain().set_aside_count, 0U);
    EXPECT_EQ(remove(guest, window), minus(Errno::XEN_ENOENT));
    EXPECT_EQ(remove(guest, 3), 0);
    EXPECT_EQ(domain.domain().set_aside_count, 1U);
    EXPECT_EQ(remove(guest, ~0UL), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(remove(guest, 3, 2), minus(Errno::XEN_EPERM));
    EXPECT_EQ(machine.flushes[&domain.domain()], 2U);
}

TEST_F(PhysmapOp, batch_reports_each_element) {
    Batch<3> batch{.idxs = {0, 5, 1}, .gpfns = {window, window + 1, window + 2}, .errs = {7, 7, 7}};
    EXPECT_EQ(add_batch(guest, Space::XENMAPSPACE_grant_table, 0, batch), 0);
    EXPECT_EQ(batch.errs[0], 0);
    EXPECT_EQ(batch.errs[1], minus(Errno::XEN_EINVAL));
    EXPECT_EQ(batch.errs[2], 0);
    EXPECT_TRUE(domain.mapping(Gfn{window + 2}));
    EXPECT_EQ(add_batch(guest, Space::XENMAPSPACE_grant_table, 2, batch),
              minus(Errno::XEN_EINVAL));  // the reserved field is used
}

TEST_F(PhysmapOp, builder_maps_domains_under_construction) {
    other.domain().state = hv::domain::State::UnderConstruction;
    Batch<2> batch{.idxs = {3, 4}, .gpfns = {foreign_window, foreign_window + 1}, .errs = {}};
    EXPECT_EQ(add_batch(builder, Space::XENMAPSPACE_gmfn_foreign, 2, batch), 0);
    EXPECT_EQ(batch.errs[1], 0);
    EXPECT_EQ(builder_domain.mfn(Gfn{foreign_window + 1}), other.mfn(Gfn{4}));
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{4})), 1U);

    EXPECT_EQ(remove(builder, foreign_window + 1), 0);
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{4})), 0U);
    EXPECT_EQ(machine.flushes[&builder_domain.domain()], 1U);

    clear_window();
    EXPECT_FALSE(builder_domain.mapping(Gfn{foreign_window}));
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{3})), 0U);
}

TEST_F(PhysmapOp, large_batches_are_done_in_bounded_parts) {
    other.domain().state = hv::domain::State::UnderConstruction;
    Batch<200> batch;
    for (uint64_t n = 0; n < 200; ++n) {
        batch.idxs[n] = n % FakeDomain::ram_pages;
        batch.gpfns[n] = foreign_window + n;
    }
    EXPECT_EQ(add_batch(builder, Space::XENMAPSPACE_gmfn_foreign, 2, batch), 0);
    EXPECT_GT(builder.rounds(), 2U);
    for (const int32_t error : batch.errs) {
        EXPECT_EQ(error, 0);
    }
    EXPECT_TRUE(builder_domain.mapping(Gfn{foreign_window + 199}));
    clear_window();
    EXPECT_FALSE(builder_domain.mapping(Gfn{foreign_window + 199}));
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{0})), 0U);
    EXPECT_TRUE(builder_domain.mapping(Gfn{0}));  // its own memory stays
}

TEST_F(PhysmapOp, huge_window_is_cleared_by_what_is_in_it) {
    constexpr uint64_t start = foreign_window;
    constexpr uint64_t pages = hv::domain::builder_window_pages;
    other.domain().state = hv::domain::State::UnderConstruction;
    Batch<3> batch{
        .idxs = {1, 2, 3}, .gpfns = {start, start + 0x54321, start + pages - 1}, .errs = {}};
    ASSERT_EQ(add_batch(builder, Space::XENMAPSPACE_gmfn_foreign, 2, batch), 0);
    ASSERT_EQ(batch.errs[2], 0);
    EXPECT_EQ(builder_domain.domain().p2m.next_mapped(Gfn{FakeDomain::ram_pages}), Gfn{start});
    EXPECT_EQ(builder_domain.domain().p2m.next_mapped(Gfn{start + 1}), Gfn{start + 0x54321});
    clear_window();
    EXPECT_EQ(builder_domain.domain().p2m.next_mapped(Gfn{FakeDomain::ram_pages}), std::nullopt);
    for (const uint64_t gfn : {1UL, 2UL, 3UL}) {
        EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{gfn})), 0U);
    }
}

TEST_F(PhysmapOp, window_is_the_builders_alone_and_ends_with_construction) {
    Batch<1> batch{.idxs = {3}, .gpfns = {foreign_window}, .errs = {}};
    EXPECT_EQ(add_batch(builder, Space::XENMAPSPACE_gmfn_foreign, 2, batch),
              minus(Errno::XEN_EPERM));  // it runs
    EXPECT_EQ(add_batch(builder, Space::XENMAPSPACE_gmfn_foreign, 99, batch),
              minus(Errno::XEN_ESRCH));
    EXPECT_EQ(add_batch(builder, Space::XENMAPSPACE_gmfn_foreign, abi::DOMID_SELF, batch),
              minus(Errno::XEN_EPERM));
    other.domain().state = hv::domain::State::UnderConstruction;
    EXPECT_EQ(add_batch(guest, Space::XENMAPSPACE_gmfn_foreign, 2, batch), minus(Errno::XEN_EPERM));
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{3})), 0U);
}

TEST_F(PhysmapOp, window_takes_ram_only_and_only_into_empty_places) {
    other.domain().state = hv::domain::State::UnderConstruction;
    Batch<4> batch{
        .idxs = {3, 4, 1000, ~0UL},
        .gpfns = {foreign_window, foreign_window, foreign_window + 1, foreign_window + 2},
        .errs = {}};
    EXPECT_EQ(add_batch(builder, Space::XENMAPSPACE_gmfn_foreign, 2, batch), 0);
    EXPECT_EQ(batch.errs[0], 0);
    EXPECT_EQ(batch.errs[1], minus(Errno::XEN_EBUSY));
    EXPECT_EQ(batch.errs[2], minus(Errno::XEN_ENOENT));
    EXPECT_EQ(batch.errs[3], minus(Errno::XEN_ENOENT));
    EXPECT_EQ(builder_domain.mfn(Gfn{foreign_window}), other.mfn(Gfn{3}));
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{4})), 0U);
}

// What lies elsewhere would still be there when the window is taken away.
TEST_F(PhysmapOp, foreign_pages_go_nowhere_but_into_the_window) {
    constexpr uint64_t end = foreign_window + hv::domain::builder_window_pages;
    other.domain().state = hv::domain::State::UnderConstruction;
    Batch<7> batch{.idxs = {3, 3, 3, 3, 3, 3, 3},
                   .gpfns = {window, foreign_window - 1, end, end + 1, hv::mm::P2m::gfn_limit - 1,
                             hv::mm::P2m::gfn_limit, ~0UL},
                   .errs = {}};
    EXPECT_EQ(add_batch(builder, Space::XENMAPSPACE_gmfn_foreign, 2, batch), 0);
    for (size_t n = 0; n < batch.errs.size(); ++n) {
        EXPECT_EQ(batch.errs[n], minus(Errno::XEN_EINVAL)) << std::hex << batch.gpfns[n];
    }
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{3})), 0U);
}

TEST_F(PhysmapOp, a_control_domain_maps_memory_of_domains_that_run) {
    domain.domain().roles.add(launch::Role::Control);
    Batch<2> batch{.idxs = {3, 4}, .gpfns = {window, window + 1}, .errs = {}};
    EXPECT_EQ(add_batch(guest, Space::XENMAPSPACE_gmfn_foreign, 2, batch), 0);
    EXPECT_EQ(batch.errs, (std::array<int32_t, 2>{0, 0}));
    EXPECT_EQ(domain.mfn(Gfn{window}), other.mfn(Gfn{3}));
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{3})), 1U);
    EXPECT_EQ(remove(guest, window), 0);
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{3})), 0U);

    // Itself, nobody, and who has ended.
    EXPECT_EQ(add_batch(guest, Space::XENMAPSPACE_gmfn_foreign, 1, batch), minus(Errno::XEN_EPERM));
    EXPECT_EQ(add_batch(guest, Space::XENMAPSPACE_gmfn_foreign, 99, batch),
              minus(Errno::XEN_ESRCH));
    other.domain().is_dying = true;
    EXPECT_EQ(add_batch(guest, Space::XENMAPSPACE_gmfn_foreign, 2, batch), minus(Errno::XEN_ESRCH));
    EXPECT_EQ(hv::domain::map_foreign(domain.domain(), Gfn{window}, other.domain(), Gfn{3}).error(),
              hv::domain::PhysmapError::NotOwn);

    // Its own end gives back what it still has, and nothing of its own.
    EXPECT_TRUE(domain.mapping(Gfn{window + 1}));
    hv::domain::release_foreign(domain.domain());
    EXPECT_FALSE(domain.mapping(Gfn{window + 1}));
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{4})), 0U);
    EXPECT_TRUE(domain.mapping(Gfn{0}));
}

TEST_F(PhysmapOp, a_grant_is_not_removed_as_a_foreign_page) {
    other.grant(8) = {abi::GTF_permit_access, 1, 3};
    domain.domain().roles.add(launch::Role::Control);
    abi::GnttabMapGrantRef op{};
    op.host_addr = window << hv::page_shift;
    op.flags = abi::GNTMAP_host_map;
    op.ref = 8;
    op.dom = 2;
    const uint64_t at = guest.put(op);
    ASSERT_EQ(guest.call(Hypercall::grant_table_op,
                         static_cast<uint64_t>(abi::GrantTableOp::GNTTABOP_map_grant_ref), at, 1),
              0);
    ASSERT_EQ(guest.get<abi::GnttabMapGrantRef>(at).status, 0);
    EXPECT_EQ(remove(guest, window), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(domain.mfn(Gfn{window}), other.mfn(Gfn{3}));
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{3})), 1U);
}

TEST_F(PhysmapOp, made_up_continuation_beyond_the_end_does_nothing) {
    abi::AddToPhysmapBatch args{};
    args.domid = abi::DOMID_SELF;
    args.size = 2;
    args.idxs = args.gpfns = args.errs = Guest::not_mapped;
    const uint64_t at = guest.put(args);
    EXPECT_EQ(guest.call(Hypercall::memory_op, 23 | 5 << 6, at), 0);
    EXPECT_EQ(guest.call(Hypercall::memory_op, 23 | ~0UL << 6, at), 0);
}

}  // namespace
