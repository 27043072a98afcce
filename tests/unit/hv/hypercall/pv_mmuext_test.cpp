// SPDX-License-Identifier: Apache-2.0
#include "hv/abi/xen_pv.hpp"
#include "hv/pv/page_tables.hpp"
#include "hv/pv/pv.hpp"
#include "hv/sched/sched.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

#include <atomic>
#include <initializer_list>
#include <vector>

namespace {

using hv::Gfn;
using hv::abi::Errno;
using hv::abi::Hypercall;
using hv::abi::MmuextCmd;
namespace abi = hv::abi;
namespace pv = hv::pv;

constexpr uint64_t present = 1;
constexpr uint64_t entries = 512;

// A PV domain as far as its page tables go.
class PvMmuext : public HypercallTest {
  protected:
    PvMmuext() {
        pv_domain.table_levels = levels;
        domain.domain().pv = &pv_domain;
    }
    void set_entry(uint64_t table, uint64_t index, uint64_t below) {
        domain.at<uint64_t>((table << hv::page_shift) + index * sizeof(uint64_t)) =
            below << hv::page_shift | present;
    }
    // Every entry of `table` names one of these, in turn.
    void fill(uint64_t table, std::initializer_list<uint64_t> below) {
        for (uint64_t i = 0; i < entries; ++i) {
            set_entry(table, i, *(below.begin() + i % below.size()));
        }
    }
    bool pin(uint64_t table, uint8_t level, uint32_t tables_left) {
        const auto pinned = pv::pin(domain.domain(), Gfn{table}, level, tables_left);
        EXPECT_TRUE(pinned.ok() || pinned.error() == pv::TableError::NotDone);
        return pinned.ok();
    }
    int64_t mmuext(const std::vector<abi::MmuextOp>& ops, uint64_t done = 0) {
        uint64_t list = 0;
        for (const abi::MmuextOp& op : ops) {
            const uint64_t at = guest.put(op);
            list = list == 0 ? at : list;
        }
        guest.vcpu().registers.r10 = abi::DOMID_SELF;
        return guest.call(Hypercall::mmuext_op, list, ops.size(), done);
    }
    static abi::MmuextOp op(MmuextCmd cmd, uint64_t table) {
        abi::MmuextOp made{};
        made.cmd = static_cast<uint32_t>(cmd);
        made.arg1.mfn = table;
        return made;
    }

    std::array<std::atomic<uint8_t>, FakeDomain::ram_pages> levels{};
    pv::PvDomain pv_domain;
};

TEST_F(PvMmuext, page_tables_of_another_domain_are_refused) {
    const uint64_t list =
        guest.put(abi::MmuUpdate{.ptr = uint64_t{20} << hv::page_shift, .val = 0});
    const auto update = [&](uint64_t owner_and_one) {
        guest.vcpu().registers.r10 = owner_and_one << 16 | abi::DOMID_SELF;
        return guest.call(Hypercall::mmu_update, list, 1);
    };
    EXPECT_EQ(update(0), 0);
    EXPECT_EQ(update(1 + 1), 0);  // itself
    EXPECT_EQ(update(2 + 1), minus(Errno::XEN_EPERM));
    EXPECT_EQ(update(99 + 1), minus(Errno::XEN_ESRCH));
}

// Linux maps a list of another domain's frames with one call after the other, and finds the one to
// blame by the count.
TEST_F(PvMmuext, frames_of_another_domain_are_refused_and_none_is_counted) {
    const uint64_t list =
        guest.put(abi::MmuUpdate{.ptr = uint64_t{20} << hv::page_shift, .val = 0});
    const auto update = [&](uint64_t owner, uint32_t count) {
        const uint64_t done = guest.put(uint32_t{7});
        guest.vcpu().registers.r10 = owner;
        const int64_t answer = guest.call(Hypercall::mmu_update, list, count, done);
        return std::pair{answer, guest.get<uint32_t>(done)};
    };
    EXPECT_EQ(update(1, 1), (std::pair{int64_t{0}, 1U}));
    EXPECT_EQ(update(2, 1), (std::pair{minus(Errno::XEN_EPERM), 0U}));
    EXPECT_EQ(update(99, 1), (std::pair{minus(Errno::XEN_ESRCH), 0U}));
    constexpr uint32_t goes_on = 1U << 31;
    EXPECT_EQ(update(2, goes_on | 1), (std::pair{minus(Errno::XEN_EPERM), 7U}));
    guest.vcpu().registers.r10 = 2;
    EXPECT_EQ(guest.call(Hypercall::mmu_update, list, 1, Guest::not_mapped),
              minus(Errno::XEN_EFAULT));
}

TEST_F(PvMmuext, pinning_a_root_notes_all_that_is_below) {
    set_entry(10, 0, 11);
    set_entry(11, 5, 12);
    set_entry(12, 511, 13);
    set_entry(13, 1, 14);  // a page, not a table
    EXPECT_EQ(mmuext({op(MmuextCmd::MMUEXT_PIN_L4_TABLE, 10)}), 0);
    EXPECT_EQ(levels[10], 4);
    EXPECT_EQ(levels[11], 3);
    EXPECT_EQ(levels[12], 2);
    EXPECT_EQ(levels[13], 1);
    EXPECT_EQ(levels[14], 0);
}

TEST_F(PvMmuext, a_pin_that_gives_way_ends_with_the_same_notes) {
    for (uint64_t i = 0; i < 20; ++i) {
        set_entry(10, 2 * i, 20 + i);            // 20 tables of level 3
        set_entry(20 + i, i, 40 + i);            // and of level 2
        set_entry(40 + i, entries - 1, 60 + i);  // and of level 1
    }
    unsigned calls = 1;
    while (!pin(10, 4, 4)) {
        ASSERT_LT(++calls, 100U);
    }
    EXPECT_GT(calls, 5U);
    for (uint64_t i = 0; i < 20; ++i) {
        EXPECT_EQ(levels[20 + i], 3);
        EXPECT_EQ(levels[40 + i], 2);
        EXPECT_EQ(levels[60 + i], 1);
    }
}

TEST_F(PvMmuext, a_root_in_its_own_linear_map_stays_a_root) {
    set_entry(10, 0, 11);
    set_entry(10, 100, 10);
    set_entry(11, 0, 12);
    set_entry(12, 0, 13);
    EXPECT_EQ(mmuext({op(MmuextCmd::MMUEXT_PIN_L4_TABLE, 10)}), 0);
    EXPECT_EQ(levels[10], 4);
    EXPECT_EQ(levels[11], 3);
    EXPECT_EQ(levels[12], 2);
    EXPECT_EQ(levels[13], 1);
}

// Tables that name each other in circles, so that their levels change for ever: all that a call
// may cost is the tables it is allowed.
TEST_F(PvMmuext, tables_in_circles_cost_no_more_than_allowed) {
    for (uint64_t table = 10; table < 40; ++table) {
        for (uint64_t i = 0; i < entries; ++i) {
            set_entry(table, i, 11 + (table + 7 * i) % 29);
        }
    }
    EXPECT_FALSE(pin(10, 4, 100));
    EXPECT_FALSE(pin(10, 4, 100));
    auto left = uint32_t{50};
    levels[11] = 3;
    const auto unpinned = pv::unpin(domain.domain(), Gfn{11}, left);
    EXPECT_TRUE(unpinned.ok() || left == 0);
}

TEST_F(PvMmuext, a_circle_makes_the_hypercall_give_way) {
    for (uint64_t table = 10; table < 40; ++table) {
        for (uint64_t i = 0; i < entries; ++i) {
            set_entry(table, i, 11 + (table + 7 * i) % 29);
        }
    }
    auto& r = guest.vcpu().registers;
    r.rax = static_cast<uint64_t>(Hypercall::mmuext_op);
    r.rdi = guest.put(op(MmuextCmd::MMUEXT_PIN_L4_TABLE, 10));
    r.rsi = 1;
    r.rdx = 0;
    r.r10 = abi::DOMID_SELF;
    EXPECT_EQ(hv::hypercall::dispatch(guest.vcpu()), hv::hypercall::Completion::Again);
    // And as part of a multicall.
    abi::MulticallEntry entry{};
    entry.op = static_cast<uint64_t>(Hypercall::mmuext_op);
    entry.args[0] = r.rdi;
    entry.args[1] = 1;
    entry.args[3] = abi::DOMID_SELF;
    r.rax = static_cast<uint64_t>(Hypercall::multicall);
    r.rdi = guest.put(entry);
    r.rsi = 1;
    EXPECT_EQ(hv::hypercall::dispatch(guest.vcpu()), hv::hypercall::Completion::Again);
    EXPECT_EQ(r.rsi, 1U);
}

// A flush waits for every CPU that is inside the guest, a whole list of them many times.
TEST_F(PvMmuext, flushes_that_take_long_give_way) {
    const std::vector<abi::MmuextOp> ops(32, op(MmuextCmd::MMUEXT_TLB_FLUSH_ALL, 0));
    constexpr uint64_t flush_ns = hv::sched::slice_ns / 10;
    machine.on_flush = [&](hv::domain::Domain&) { machine.sched.now_ns += flush_ns; };
    const uint64_t done = guest.put(uint32_t{0});
    EXPECT_EQ(mmuext(ops, done), 0);
    EXPECT_EQ(guest.rounds(), ops.size());
    EXPECT_EQ(guest.get<uint32_t>(done), ops.size());
    EXPECT_EQ(machine.flushes[&domain.domain()], ops.size());
}

// What was done before the call gave way is not done twice: unpinning again would fail.
TEST_F(PvMmuext, a_batch_goes_on_where_it_gave_way) {
    levels[100] = 1;
    std::vector<abi::MmuextOp> ops = {op(MmuextCmd::MMUEXT_UNPIN_TABLE, 100)};
    for (uint64_t i = 0; i < 30; ++i) {
        // Each of these looks through three tables: together more than one call may.
        set_entry(10, i, 10);
        fill(11 + 2 * i, {12 + 2 * i});
        ops.push_back(op(MmuextCmd::MMUEXT_PIN_L3_TABLE, 11 + 2 * i));
    }
    for (uint64_t i = 0; i < 30; ++i) {
        set_entry(12 + 2 * i, 3, 80);
    }
    const uint64_t done = guest.put(uint32_t{0});
    EXPECT_EQ(mmuext(ops, done), 0);
    EXPECT_EQ(guest.get<uint32_t>(done), ops.size());
    EXPECT_EQ(levels[100], 0);
    EXPECT_EQ(levels[71 - 2], 3);
    EXPECT_EQ(levels[72 - 2], 2);
    EXPECT_EQ(levels[80], 1);
}

}  // namespace
