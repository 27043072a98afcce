// SPDX-License-Identifier: Apache-2.0
// Arguments, batches and errors of grant_table_op; grants themselves are tested with hv/grant.
#include "hv/abi/xen_grant_table.hpp"
#include "hv/sched/sched.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::Gfn;
using hv::abi::Errno;
using hv::abi::Hypercall;
using Gnttab = hv::abi::GrantTableOp;
namespace abi = hv::abi;

class GrantTableOp : public HypercallTest {
  protected:
    static constexpr uint64_t window = 0x200;

    int64_t op(Gnttab cmd, uint64_t list, uint64_t count = 1) {
        return guest.call(Hypercall::grant_table_op, static_cast<uint64_t>(cmd), list, count);
    }
};

TEST_F(GrantTableOp, size_is_the_domains_own) {
    abi::GnttabQuerySize args{};
    args.dom = abi::DOMID_SELF;
    args.status = 7;
    uint64_t at = guest.put(args);
    EXPECT_EQ(op(Gnttab::GNTTABOP_query_size, at), 0);
    EXPECT_EQ(guest.get<abi::GnttabQuerySize>(at).status, 0);
    EXPECT_EQ(guest.get<abi::GnttabQuerySize>(at).nr_frames, 1U);
    EXPECT_EQ(guest.get<abi::GnttabQuerySize>(at).max_nr_frames, 2U);
    args.dom = 2;
    at = guest.put(args);
    EXPECT_EQ(op(Gnttab::GNTTABOP_query_size, at), 0);
    EXPECT_EQ(guest.get<abi::GnttabQuerySize>(at).status, -8);
    args.dom = 99;
    at = guest.put(args);
    EXPECT_EQ(op(Gnttab::GNTTABOP_query_size, at), 0);
    EXPECT_EQ(guest.get<abi::GnttabQuerySize>(at).status, -2);
    EXPECT_EQ(op(Gnttab::GNTTABOP_query_size, at, 2), minus(Errno::XEN_EINVAL));
}

TEST_F(GrantTableOp, version_is_1) {
    EXPECT_EQ(op(Gnttab::GNTTABOP_set_version, guest.put(abi::GnttabSetVersion{1})), 0);
    EXPECT_EQ(op(Gnttab::GNTTABOP_set_version, guest.put(abi::GnttabSetVersion{2})),
              minus(Errno::XEN_ENOSYS));
    EXPECT_EQ(op(Gnttab::GNTTABOP_set_version, guest.put(abi::GnttabSetVersion{3})),
              minus(Errno::XEN_EINVAL));
    abi::GnttabGetVersion args{};
    args.dom = abi::DOMID_SELF;
    const uint64_t at = guest.put(args);
    EXPECT_EQ(op(Gnttab::GNTTABOP_get_version, at), 0);
    EXPECT_EQ(guest.get<abi::GnttabGetVersion>(at).version, 1U);
    args.dom = 2;
    EXPECT_EQ(op(Gnttab::GNTTABOP_get_version, guest.put(args)), minus(Errno::XEN_EPERM));
}

TEST_F(GrantTableOp, batch_of_maps_and_unmaps) {
    other.grant(8) = {abi::GTF_permit_access, 1, 3};
    std::array<abi::GnttabMapGrantRef, 3> maps{};
    for (size_t n = 0; n < maps.size(); ++n) {
        maps[n].host_addr = (window + n) << 12;
        maps[n].flags = abi::GNTMAP_host_map;
        maps[n].ref = 8;
        maps[n].dom = 2;
    }
    maps[1].ref = 9;  // grants nothing
    const uint64_t at = guest.put(maps);
    EXPECT_EQ(op(Gnttab::GNTTABOP_map_grant_ref, at, 3), 0);
    maps = guest.get<decltype(maps)>(at);
    EXPECT_EQ(maps[0].status, 0);
    EXPECT_EQ(maps[1].status, -1);
    EXPECT_EQ(maps[2].status, 0);
    EXPECT_EQ(domain.mfn(Gfn{window + 2}), other.mfn(Gfn{3}));

    std::array<abi::GnttabUnmapGrantRef, 2> unmaps{};
    unmaps[0].host_addr = maps[0].host_addr;
    unmaps[0].handle = maps[0].handle;
    unmaps[1].host_addr = maps[2].host_addr;
    unmaps[1].handle = maps[2].handle;
    const uint64_t list = guest.put(unmaps);
    EXPECT_EQ(op(Gnttab::GNTTABOP_unmap_grant_ref, list, 2), 0);
    EXPECT_EQ(guest.get<decltype(unmaps)>(list)[1].status, 0);
    EXPECT_EQ(machine.flushes[&domain.domain()], 1U);
    EXPECT_EQ(other.grant(8).flags, abi::GTF_permit_access);
}

TEST_F(GrantTableOp, long_batches_are_done_in_bounded_parts) {
    std::array<abi::GnttabCopy, 100> copies{};
    for (size_t n = 0; n < copies.size(); ++n) {
        copies[n].source.u.gmfn = 3;
        copies[n].source.domid = abi::DOMID_SELF;
        copies[n].dest.u.gmfn = 4;
        copies[n].dest.domid = abi::DOMID_SELF;
        copies[n].dest.offset = static_cast<uint16_t>(n);
        copies[n].len = 1;
        copies[n].status = 7;
    }
    domain.at<char>(0x3000) = 'x';
    const uint64_t at = guest.put(copies);
    EXPECT_EQ(op(Gnttab::GNTTABOP_copy, at, 100), 0);
    EXPECT_GT(guest.rounds(), 1U);
    for (uint64_t n = 0; n < 100; ++n) {
        EXPECT_EQ(domain.at<char>(0x4000 + n), 'x');
    }
    EXPECT_EQ(guest.get<decltype(copies)>(at)[99].status, 0);
}

TEST_F(GrantTableOp, slow_batches_give_way_after_each_element) {
    std::array<abi::GnttabCopy, 4> list{};
    for (uint16_t n = 0; n < list.size(); ++n) {
        list[n].source = {.u = {.gmfn = 3}, .domid = abi::DOMID_SELF, .offset = n};
        list[n].dest = {.u = {.gmfn = 4}, .domid = abi::DOMID_SELF, .offset = n};
        list[n].len = 1;
        list[n].status = 7;
    }
    domain.at<uint32_t>(0x3000) = 0x12345678;
    const uint64_t at = guest.put(list);
    machine.sched.ns_per_look = hv::sched::slice_ns;
    EXPECT_EQ(op(Gnttab::GNTTABOP_copy, at, list.size()), 0);
    EXPECT_EQ(guest.rounds(), list.size());
    EXPECT_EQ(domain.at<uint32_t>(0x4000), 0x12345678U);
    for (const auto& done : guest.get<decltype(list)>(at)) {
        EXPECT_EQ(done.status, 0);
    }
}

TEST_F(GrantTableOp, counts_and_lists_are_checked) {
    const uint64_t at = Guest::first_argument;
    EXPECT_EQ(op(Gnttab::GNTTABOP_copy, at, 0), 0);
    EXPECT_EQ(op(Gnttab::GNTTABOP_copy, at, 0x80000000), minus(Errno::XEN_EINVAL));
    for (const Gnttab cmd : {Gnttab::GNTTABOP_map_grant_ref, Gnttab::GNTTABOP_unmap_grant_ref,
                             Gnttab::GNTTABOP_copy, Gnttab::GNTTABOP_query_size,
                             Gnttab::GNTTABOP_set_version, Gnttab::GNTTABOP_get_version}) {
        EXPECT_EQ(op(cmd, Guest::not_mapped), minus(Errno::XEN_EFAULT));
    }
}

TEST_F(GrantTableOp, rest_is_refused) {
    abi::GnttabSetupTable setup{};
    const uint64_t at = guest.put(setup);
    EXPECT_EQ(op(Gnttab::GNTTABOP_setup_table, at), 0);
    EXPECT_EQ(guest.get<abi::GnttabSetupTable>(at).status, -1);
    for (const Gnttab cmd :
         {Gnttab::GNTTABOP_dump_table, Gnttab::GNTTABOP_transfer,
          Gnttab::GNTTABOP_unmap_and_replace, Gnttab::GNTTABOP_get_status_frames,
          Gnttab::GNTTABOP_swap_grant_ref, Gnttab::GNTTABOP_cache_flush, static_cast<Gnttab>(13)}) {
        EXPECT_EQ(op(cmd, at), minus(Errno::XEN_ENOSYS));
    }
}

}  // namespace
