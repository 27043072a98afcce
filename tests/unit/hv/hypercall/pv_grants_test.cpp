// SPDX-License-Identifier: Apache-2.0
// Grants in entries of a PV guest's page tables.
#include "hv/abi/xen_grant_table.hpp"
#include "hv/grant/mapping.hpp"
#include "tests/unit/hv/hypercall/pv_memory_fixture.hpp"

namespace {

using hv::Gfn;
using hv::abi::GrantStatus;
using hv::abi::Hypercall;
using Gnttab = hv::abi::GrantTableOp;
namespace abi = hv::abi;

class PvGrants : public PvMemoryTest {
  protected:
    static constexpr uint64_t va = 0x5000;
    static constexpr uint64_t second_va = 0x6000;
    static constexpr uint64_t root = 10;  // its tables are 11, 12 and 13
    static constexpr uint64_t present = 1;

    PvGrants() {
        for (uint64_t table = root; table < root + 3; ++table) {
            domain.at<uint64_t>(address(table)) = address(table + 1) | present;
        }
        guest.vcpu().vmcb->save().cr3 = address(root);
        other.grant(8) = {abi::GTF_permit_access, domain.id().value(), 3};
        other.at<uint64_t>(0x3000) = 0xfeed;
    }
    static uint64_t place(uint64_t virt) { return address(root + 3) + (virt >> 12) * 8; }
    uint64_t& entry(uint64_t virt) { return domain.at<uint64_t>(place(virt)); }

    abi::GnttabMapGrantRef map(uint64_t host_addr, uint32_t flags = 0) {
        abi::GnttabMapGrantRef op{};
        op.host_addr = host_addr;
        op.flags = abi::GNTMAP_host_map | flags;
        op.ref = 8;
        op.dom = other.id().value();
        return run(Gnttab::GNTTABOP_map_grant_ref, op);
    }
    template <class T>
    T run(Gnttab cmd, const T& op) {
        const uint64_t at = guest.put(op);
        EXPECT_EQ(guest.call(Hypercall::grant_table_op, static_cast<uint64_t>(cmd), at, 1), 0);
        return guest.get<T>(at);
    }
    int16_t unmap(uint32_t handle, uint64_t host_addr) {
        abi::GnttabUnmapGrantRef op{};
        op.host_addr = host_addr;
        op.handle = handle;
        return run(Gnttab::GNTTABOP_unmap_grant_ref, op).status;
    }
    int16_t replace(uint32_t handle, uint64_t host_addr, uint64_t new_addr) {
        abi::GnttabUnmapAndReplace op{};
        op.host_addr = host_addr;
        op.new_addr = new_addr;
        op.handle = handle;
        return run(Gnttab::GNTTABOP_unmap_and_replace, op).status;
    }
    static int16_t raw(GrantStatus status) { return static_cast<int16_t>(status); }
    static constexpr uint64_t pte_bits = 0x63;  // present, writable, accessed, dirty
};

TEST_F(PvGrants, the_entry_names_a_frame_of_the_window) {
    const auto op = map(va);
    ASSERT_EQ(op.status, 0);
    EXPECT_EQ(op.dev_bus_addr, address(abi::pv_foreign_gfn + op.handle));
    EXPECT_EQ(entry(va), op.dev_bus_addr | pte_bits);
    EXPECT_EQ(domain.at<uint64_t>(op.dev_bus_addr), 0xfeedU);

    machine.on_flush = [&](hv::domain::Domain&) {
        EXPECT_EQ(entry(va), 0U);
        EXPECT_FALSE(domain.mapping(Gfn{abi::pv_foreign_gfn + op.handle}));
        EXPECT_NE(other.grant(8).flags, abi::GTF_permit_access);
    };
    EXPECT_EQ(unmap(op.handle, va), 0);
    EXPECT_EQ(machine.flushes[&domain.domain()], 1U);
    EXPECT_EQ(other.grant(8).flags, abi::GTF_permit_access);
}

TEST_F(PvGrants, an_entry_by_its_machine_address) {
    constexpr uint32_t avail = 3U << 16;
    const auto op = map(place(va), abi::GNTMAP_contains_pte | abi::GNTMAP_readonly |
                                       abi::GNTMAP_application_map | avail);
    ASSERT_EQ(op.status, 0);
    EXPECT_EQ(entry(va), op.dev_bus_addr | 0x65 | 3 << 9);
    EXPECT_EQ(domain.mapping(Gfn{op.dev_bus_addr >> 12})->access, hv::mm::Access::ReadOnly);
    EXPECT_EQ(unmap(op.handle, va), raw(GrantStatus::GNTST_general_error));
    EXPECT_EQ(unmap(op.handle, place(va) + 8), raw(GrantStatus::GNTST_general_error));
    EXPECT_EQ(unmap(op.handle, place(va)), 0);
    EXPECT_EQ(entry(va), 0U);
}

TEST_F(PvGrants, places_that_are_none) {
    levels[root] = 4;
    constexpr uint64_t not_canonical = uint64_t{1} << 63;
    for (const uint64_t at :
         {uint64_t{1} << 39, uint64_t{1} << 30, not_canonical | uint64_t{1} << 39}) {
        EXPECT_EQ(map(at).status, raw(GrantStatus::GNTST_general_error));
    }
    for (const uint64_t at : {place(va) | 1, place(va) | 4, address(1000), address(abi::pv_m2p_gfn),
                              ~uint64_t{7}, address(root) + 256 * 8, address(root) + 271 * 8}) {
        EXPECT_EQ(map(at, abi::GNTMAP_contains_pte).status, raw(GrantStatus::GNTST_general_error));
    }
    EXPECT_EQ(other.grant(8).flags, abi::GTF_permit_access);
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{3})), 0U);
    EXPECT_TRUE(machine.flushes.empty());
}

TEST_F(PvGrants, flags) {
    EXPECT_EQ(map(va, abi::GNTMAP_device_map).status, raw(GrantStatus::GNTST_general_error));
    EXPECT_EQ(map(va, 1 << 5).status, raw(GrantStatus::GNTST_general_error));
    abi::GnttabMapGrantRef op{};
    op.host_addr = va;
    op.ref = 8;
    op.dom = other.id().value();
    EXPECT_EQ(run(Gnttab::GNTTABOP_map_grant_ref, op).status, raw(GrantStatus::GNTST_bad_gntref));
    EXPECT_EQ(entry(va), 0U);
}

TEST_F(PvGrants, an_entry_that_names_something_else_is_left_alone) {
    const auto op = map(va);
    entry(va) = address(3) | pte_bits;
    EXPECT_EQ(unmap(op.handle, va), raw(GrantStatus::GNTST_general_error));
    EXPECT_EQ(entry(va), address(3) | pte_bits);
    entry(va) = op.dev_bus_addr;  // not present, but this frame
    EXPECT_EQ(unmap(op.handle, va), 0);
}

TEST_F(PvGrants, one_mapping_is_replaced_by_another) {
    const auto op = map(va);
    entry(second_va) = address(4) | pte_bits;
    EXPECT_EQ(replace(op.handle, second_va, second_va), raw(GrantStatus::GNTST_general_error));
    EXPECT_EQ(replace(op.handle, va, va), raw(GrantStatus::GNTST_general_error));
    EXPECT_EQ(replace(op.handle, va, uint64_t{1} << 39), raw(GrantStatus::GNTST_general_error));
    EXPECT_EQ(replace(7, va, second_va), raw(GrantStatus::GNTST_bad_handle));
    EXPECT_EQ(entry(va), op.dev_bus_addr | pte_bits);
    EXPECT_EQ(entry(second_va), address(4) | pte_bits);
    EXPECT_EQ(replace(op.handle, va, second_va), 0);
    EXPECT_EQ(entry(va), address(4) | pte_bits);
    EXPECT_EQ(entry(second_va), 0U);
    EXPECT_EQ(other.grant(8).flags, abi::GTF_permit_access);
}

TEST_F(PvGrants, the_granters_end_leaves_a_page_and_the_handle) {
    const auto op = map(va);
    other.domain().is_dying = true;
    hv::grant::release_all(other.domain());
    EXPECT_EQ(entry(va), op.dev_bus_addr | pte_bits);
    EXPECT_EQ(domain.at<uint64_t>(op.dev_bus_addr), ~uint64_t{0});
    EXPECT_EQ(unmap(op.handle, va), 0);
    EXPECT_EQ(entry(va), 0U);
    EXPECT_FALSE(domain.mapping(Gfn{op.dev_bus_addr >> 12}));
    EXPECT_EQ(unmap(op.handle, va), raw(GrantStatus::GNTST_bad_handle));
    EXPECT_EQ(map(va).status, raw(GrantStatus::GNTST_bad_domain));
}

TEST_F(PvGrants, mappings_are_no_ram_and_no_tables) {
    const auto op = map(va);
    const Gfn name{op.dev_bus_addr >> 12};
    EXPECT_FALSE(hv::pv::own_ram_frame(domain.domain(), name));
    EXPECT_FALSE(hv::pv::check_place(domain.domain(), hv::GuestPaddr{op.dev_bus_addr}).ok());
    EXPECT_FALSE(hv::pv::write_m2p(domain.domain(), name, 5).ok());
}

}  // namespace
