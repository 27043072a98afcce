// SPDX-License-Identifier: Apache-2.0
// Questions about memory, and the memory map.
#include "hv/abi/xen_memory.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::abi::Errno;
using hv::abi::Hypercall;
using Op = hv::abi::MemoryOp;
namespace abi = hv::abi;

class MemoryOp : public HypercallTest {
  protected:
    static int64_t memory_op(Guest& caller, Op op, uint64_t argument) {
        return caller.call(Hypercall::memory_op, static_cast<uint64_t>(op), argument);
    }
    int64_t set_map(Guest& caller, uint16_t dom, uint32_t count, uint64_t buffer) {
        abi::ForeignMemoryMap args{};
        args.domid = dom;
        args.map.nr_entries = count;
        args.map.buffer = buffer;
        return memory_op(caller, Op::XENMEM_set_memory_map, caller.put(args));
    }
    // Two entries of RAM, one of them above 4 GiB, and one reserved.
    uint64_t put_map() {
        return builder.put(std::array<abi::E820Entry, 3>{
            {{0, 0, 0x40000, 0, 1}, {0x00001000, 1, 0x2000, 0, 1}, {0xfefff000, 0, 0x1000, 0, 2}}});
    }
};

TEST_F(MemoryOp, reservations_of_oneself) {
    domain.domain().tot_pages = 60;
    const uint64_t self = guest.put(abi::MemoryDomain{abi::DOMID_SELF});
    EXPECT_EQ(memory_op(guest, Op::XENMEM_current_reservation, self), 60);
    EXPECT_EQ(memory_op(guest, Op::XENMEM_maximum_reservation, self), 128);
    const uint64_t foreign = guest.put(abi::MemoryDomain{2});
    EXPECT_EQ(memory_op(guest, Op::XENMEM_current_reservation, foreign), minus(Errno::XEN_EPERM));
    const uint64_t nobody = guest.put(abi::MemoryDomain{99});
    EXPECT_EQ(memory_op(guest, Op::XENMEM_maximum_reservation, nobody), minus(Errno::XEN_ESRCH));
}

TEST_F(MemoryOp, map_written_by_the_builder_is_read_by_the_guest) {
    domain.domain().state = hv::domain::State::UnderConstruction;
    ASSERT_EQ(set_map(builder, 1, 3, put_map()), 0);

    const uint64_t buffer = guest.put(std::array<abi::E820Entry, 4>{});
    abi::MemoryMap args{};
    args.nr_entries = 4;
    args.buffer = buffer;
    const uint64_t at = guest.put(args);
    EXPECT_EQ(memory_op(guest, Op::XENMEM_memory_map, at), 0);
    EXPECT_EQ(guest.get<abi::MemoryMap>(at).nr_entries, 3U);
    const auto map = guest.get<std::array<abi::E820Entry, 4>>(buffer);
    EXPECT_EQ(map[1].addr(), 0x100001000U);
    EXPECT_EQ(map[1].size(), 0x2000U);
    EXPECT_EQ(map[2].type, 2U);
    EXPECT_EQ(map[3].type, 0U);

    const uint64_t self = guest.put(abi::MemoryDomain{abi::DOMID_SELF});
    EXPECT_EQ(memory_op(guest, Op::XENMEM_maximum_gpfn, self), 0x100002);
}

TEST_F(MemoryOp, short_buffer_gets_the_first_entries) {
    domain.domain().state = hv::domain::State::UnderConstruction;
    ASSERT_EQ(set_map(builder, 1, 3, put_map()), 0);
    abi::MemoryMap args{};
    args.nr_entries = 1;
    args.buffer = guest.put(std::array<abi::E820Entry, 2>{});
    const uint64_t at = guest.put(args);
    EXPECT_EQ(memory_op(guest, Op::XENMEM_memory_map, at), 0);
    EXPECT_EQ(guest.get<abi::MemoryMap>(at).nr_entries, 1U);
    EXPECT_EQ((guest.get<std::array<abi::E820Entry, 2>>(args.buffer)[1].type), 0U);
}

TEST_F(MemoryOp, map_that_nobody_set_is_not_there) {
    const uint64_t at = guest.put(abi::MemoryMap{});
    EXPECT_EQ(memory_op(guest, Op::XENMEM_memory_map, at), minus(Errno::XEN_ENOSYS));
}

TEST_F(MemoryOp, only_the_builder_sets_maps_and_only_under_construction) {
    EXPECT_EQ(set_map(builder, 1, 3, put_map()), minus(Errno::XEN_EPERM));  // it runs
    EXPECT_EQ(set_map(builder, abi::DOMID_SELF, 3, put_map()), minus(Errno::XEN_EPERM));
    EXPECT_EQ(set_map(builder, 99, 3, put_map()), minus(Errno::XEN_ESRCH));
    other.domain().state = hv::domain::State::UnderConstruction;
    EXPECT_EQ(set_map(guest, 2, 0, 0), minus(Errno::XEN_EPERM));
    EXPECT_EQ(set_map(guest, abi::DOMID_SELF, 0, 0), minus(Errno::XEN_EPERM));
    EXPECT_TRUE(domain.domain().memory_map.empty());
}

TEST_F(MemoryOp, oversized_or_unreadable_map_changes_nothing) {
    domain.domain().state = hv::domain::State::UnderConstruction;
    ASSERT_EQ(set_map(builder, 1, 3, put_map()), 0);
    EXPECT_EQ(set_map(builder, 1, 33, put_map()), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(set_map(builder, 1, ~0U, put_map()), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(set_map(builder, 1, 2, Guest::not_mapped), minus(Errno::XEN_EFAULT));
    EXPECT_EQ(domain.domain().memory_map.size(), 3U);
}

TEST_F(MemoryOp, rest_is_refused) {
    EXPECT_EQ(memory_op(guest, Op::XENMEM_machine_memory_map, Guest::first_argument),
              minus(Errno::XEN_EPERM));
    EXPECT_EQ(memory_op(guest, Op::XENMEM_claim_pages, Guest::first_argument),
              minus(Errno::XEN_EPERM));
    for (const uint32_t op : {5U, 8U, 27U, 63U}) {
        EXPECT_EQ(memory_op(guest, static_cast<Op>(op), Guest::first_argument),
                  minus(Errno::XEN_ENOSYS));
    }
    EXPECT_EQ(memory_op(guest, Op::XENMEM_exchange, Guest::first_argument),
              minus(Errno::XEN_EOPNOTSUPP));  // of PV guests
    EXPECT_EQ(memory_op(guest, Op::XENMEM_maximum_ram_page, 0), FakeMachine::frame_count);
}

TEST_F(MemoryOp, arguments_that_are_not_there_are_a_fault) {
    for (const Op op :
         {Op::XENMEM_increase_reservation, Op::XENMEM_decrease_reservation,
          Op::XENMEM_populate_physmap, Op::XENMEM_current_reservation,
          Op::XENMEM_maximum_reservation, Op::XENMEM_maximum_gpfn, Op::XENMEM_add_to_physmap,
          Op::XENMEM_add_to_physmap_batch, Op::XENMEM_remove_from_physmap, Op::XENMEM_memory_map,
          Op::XENMEM_set_memory_map}) {
        EXPECT_EQ(memory_op(guest, op, Guest::not_mapped), minus(Errno::XEN_EFAULT));
        EXPECT_EQ(memory_op(guest, op, ~0UL), minus(Errno::XEN_EFAULT));
    }
}

}  // namespace
