// SPDX-License-Identifier: Apache-2.0
#include "hv/abi/xen_pv.hpp"
#include "hv/pv/pv.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

#include <array>
#include <cstring>

namespace {

using hv::abi::Errno;
using hv::abi::Hypercall;
using hv::abi::TrapInfo;
namespace pv = hv::pv;

using Page = std::array<std::byte, hv::page_size>;

// A PV vCPU as far as its trap table goes.
class PvTraps : public HypercallTest {
  protected:
    PvTraps() {
        domain.domain().pv = &pv_domain;
        pv_vcpu.traps = traps.data();
        pv_vcpu.idt = idt.data();
        guest.vcpu().pv = &pv_vcpu;
    }
    // A list of so many traps, at the end of a page of its own; its end is behind it.
    uint64_t put_list(uint64_t count) {
        for (uint64_t n = 0; n <= count; ++n) {
            const auto vector = static_cast<uint8_t>(n);
            domain.at<TrapInfo>(list + n * sizeof(TrapInfo)) = {
                .vector = vector, .address = n < count ? address_of(vector) : 0};
        }
        return list;
    }
    static uint64_t address_of(uint64_t vector) { return 0xffffffff81000000 + vector; }
    uint64_t set_to(uint64_t vector) {
        TrapInfo trap{};
        std::memcpy(&trap, traps.data() + vector * sizeof(trap), sizeof(trap));
        return trap.address;
    }

    static constexpr uint64_t list = uint64_t{10} << hv::page_shift;
    Page traps{};
    Page idt{};
    pv::PvDomain pv_domain;
    pv::PvVcpu pv_vcpu;
};

// As long a list as there are vectors; on the way others get their turn.
TEST_F(PvTraps, a_long_list_gives_way) {
    EXPECT_EQ(guest.call(Hypercall::set_trap_table, put_list(256)), 0);
    EXPECT_GE(guest.rounds(), 8U);
    for (uint64_t vector = 0; vector < 256; ++vector) {
        EXPECT_EQ(set_to(vector), address_of(vector));
    }
}

TEST_F(PvTraps, a_kernels_usual_list_does_not) {
    EXPECT_EQ(guest.call(Hypercall::set_trap_table, put_list(24)), 0);
    EXPECT_EQ(guest.rounds(), 1U);
}

TEST_F(PvTraps, nothing_behind_the_end_is_read) {
    const uint64_t last_page_end = hv::page_size * FakeDomain::ram_pages;
    domain.at<TrapInfo>(last_page_end - 2 * sizeof(TrapInfo)) = {.vector = 3,
                                                                 .address = address_of(3)};
    domain.at<TrapInfo>(last_page_end - sizeof(TrapInfo)) = {};
    EXPECT_EQ(guest.call(Hypercall::set_trap_table, last_page_end - 2 * sizeof(TrapInfo)), 0);
    EXPECT_EQ(set_to(3), address_of(3));
    domain.at<TrapInfo>(last_page_end - sizeof(TrapInfo)) = {.vector = 4, .address = address_of(4)};
    EXPECT_EQ(guest.call(Hypercall::set_trap_table, last_page_end - 2 * sizeof(TrapInfo)),
              minus(Errno::XEN_EFAULT));
    EXPECT_EQ(set_to(4), address_of(4));
}

TEST_F(PvTraps, an_address_of_no_use_ends_it) {
    put_list(3);
    domain.at<TrapInfo>(list + sizeof(TrapInfo)).address = 0x8000000000000000;
    EXPECT_EQ(guest.call(Hypercall::set_trap_table, list), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(set_to(0), address_of(0));
    EXPECT_EQ(set_to(2), 0U);
}

}  // namespace
