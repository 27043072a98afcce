// SPDX-License-Identifier: Apache-2.0
// Searches for free names in a PV domain that has hardly any: no exit looks at more than it may,
// and the next one goes on.
#include "hv/abi/xen_memory.hpp"
#include "tests/unit/hv/hypercall/pv_memory_fixture.hpp"

namespace {

using hv::Gfn;
using hv::abi::Errno;
using hv::abi::Hypercall;
using hv::pv::most_looks;
using Op = hv::abi::MemoryOp;
namespace abi = hv::abi;
namespace pv = hv::pv;

class PvNames : public PvMemoryTest {
  protected:
    static constexpr uint64_t names = 3 * most_looks;
    static constexpr uint64_t own_run = names - 8;  // of frames of its own
    static constexpr Gfn any{hv::mm::P2m::gfn_limit};

    // Frames of nobody have all names but those of its own RAM and those spare ones that are odd.
    PvNames() {
        levels = std::vector<std::atomic<uint8_t>>(names + pv::spare_names);
        pv_domain.table_levels = levels;
        domain.domain().max_pages = names;
        map(FakeDomain::ram_pages, hv::Mfn{FakeDomain::ram_pages}, own_run - FakeDomain::ram_pages);
        map(own_run, domain.mfn(Gfn{64}), 8);
        for (uint64_t name = abi::pv_spare_gfn; name < abi::pv_spare_gfn_end; name += 2) {
            map(name, hv::Mfn{1}, 1);
        }
    }
    void map(uint64_t name, hv::Mfn first, uint64_t count) {
        ASSERT_TRUE(domain.domain()
                        .p2m.map(Gfn{name}, first, count, hv::mm::Access::ReadWriteExecute)
                        .ok());
    }
    void unmap(uint64_t name, uint64_t count) {
        ASSERT_TRUE(domain.domain().p2m.unmap(Gfn{name}, count).ok());
    }
    static abi::MemoryReservation extents(uint64_t list, uint64_t count, uint32_t order) {
        abi::MemoryReservation made{};
        made.extent_start = list;
        made.nr_extents = count;
        made.extent_order = order;
        made.domid = abi::DOMID_SELF;
        return made;
    }
    int64_t exchange(const abi::MemoryReservation& in, const abi::MemoryReservation& out) {
        return guest.call(Hypercall::memory_op, static_cast<uint64_t>(Op::XENMEM_exchange),
                          guest.put(abi::MemoryExchange{.in = in, .out = out}));
    }
    abi::MulticallEntry populate_one() {
        abi::MulticallEntry entry{};
        entry.op = static_cast<uint64_t>(Hypercall::memory_op);
        entry.args[0] = static_cast<uint64_t>(Op::XENMEM_populate_physmap);
        entry.args[1] = guest.put(extents(guest.put(uint64_t{7}), 1, 0));
        return entry;
    }
};

// As long as the lock is held, whoever copies from the domain's pages waits.
TEST_F(PvNames, an_exit_looks_at_few_names) {
    machine.add_reserve(domain, 1);  // its name is the last one
    const uint64_t list = guest.put(uint64_t{0});
    const uint64_t args = guest.put(extents(list, 1, 0));
    EXPECT_EQ(guest.call(Hypercall::memory_op,
                         static_cast<uint64_t>(Op::XENMEM_increase_reservation), args),
              1);
    EXPECT_EQ(guest.get<uint64_t>(list), names);
    EXPECT_GE(guest.rounds(), names / 8192);
}

TEST_F(PvNames, every_look_is_counted_and_the_search_goes_on) {
    uint64_t left = 1000;
    const auto single = pv::find_names(domain.domain(), 0, any, left);
    EXPECT_EQ(single.error(), pv::SearchError::NotDone);
    EXPECT_EQ(left, 0U);
    EXPECT_EQ(pv_domain.search.next_name, 1000U);
    left = names;
    EXPECT_EQ(pv::find_names(domain.domain(), 0, any, left).error(), pv::SearchError::None);
    EXPECT_EQ(left, 1000U);

    left = 1000;
    const auto run = pv::find_names(domain.domain(), 1, any, left);
    EXPECT_EQ(run.error(), pv::SearchError::NotDone);
    EXPECT_LT(left, 2U);
    EXPECT_EQ(pv_domain.search.next_place, 2 * (1000 - left));  // each pair's first is taken
    left = names;
    EXPECT_EQ(pv::find_names(domain.domain(), 1, any, left).error(), pv::SearchError::None);
    EXPECT_LT(left, names - (names + pv::spare_names) / 2 + 1000);
}

TEST_F(PvNames, descending_single_names_give_way) {
    const uint64_t list = guest.put(std::array<uint64_t, 2>{9, 8});
    uint64_t last = 0;
    machine.on_flush = [&](hv::domain::Domain&) {
        const uint64_t next = pv_domain.search.next_name;
        EXPECT_LE((next + names - last) % names, most_looks);
        last = next;
    };
    EXPECT_EQ(exchange(extents(list, 2, 0), extents(list, 2, 0)), 0);
    EXPECT_EQ(guest.rounds(), 4U);  // one for each third of the names, and the rest
    EXPECT_EQ((guest.get<std::array<uint64_t, 2>>(list)), (std::array<uint64_t, 2>{9, 8}));
}

TEST_F(PvNames, long_searches_for_runs_give_way) {
    const uint64_t in = guest.put(own_run);
    const uint64_t out = guest.put(std::array<uint64_t, 4>{});
    uint64_t last = 0;
    machine.on_flush = [&](hv::domain::Domain&) {
        EXPECT_LE(pv_domain.search.next_place, last + 2 * most_looks);
        last = pv_domain.search.next_place;
    };
    EXPECT_EQ(exchange(extents(in, 1, 3), extents(out, 4, 1)), 0);
    EXPECT_EQ(guest.rounds(), 2U);
    EXPECT_EQ((guest.get<std::array<uint64_t, 4>>(out)),
              (std::array<uint64_t, 4>{own_run, own_run + 2, own_run + 4, own_run + 6}));
}

// What was found first would be found again and again.
TEST_F(PvNames, runs_too_far_apart_are_no_memory) {
    unmap(20, 2);
    const uint64_t in = guest.put(own_run);
    const uint64_t out = guest.put(std::array<uint64_t, 4>{});
    EXPECT_EQ(exchange(extents(in, 1, 3), extents(out, 4, 1)), minus(Errno::XEN_ENOMEM));
    EXPECT_EQ(guest.rounds(), 1U);
    EXPECT_FALSE(domain.mapping(Gfn{20}));
    EXPECT_EQ(domain.mfn(Gfn{own_run + 7}), domain.mfn(Gfn{71}));
}

TEST_F(PvNames, a_multicall_has_the_looks_of_one_call) {
    machine.add_reserve(domain, 2);
    constexpr uint64_t far = most_looks * 2 / 3;
    unmap(far, 1);
    unmap(2 * far, 1);
    const uint64_t list = guest.put(std::array{populate_one(), populate_one()});
    EXPECT_EQ(guest.call(Hypercall::multicall, list, 2), 0);
    EXPECT_EQ(guest.rounds(), 2U);
    EXPECT_TRUE(domain.mapping(Gfn{far}));
    EXPECT_TRUE(domain.mapping(Gfn{2 * far}));
}

}  // namespace
