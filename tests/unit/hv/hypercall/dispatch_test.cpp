// SPDX-License-Identifier: Apache-2.0
// The table itself, and multicall.
#include "hv/abi/xen_sched.hpp"
#include "hv/abi/xen_version.hpp"
#include "hv/sched/sched.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::abi::Errno;
using hv::abi::Hypercall;
using Dispatch = HypercallTest;

constexpr uint64_t version_of_417 = 4 << 16 | 17;

TEST_F(Dispatch, unknown_and_pv_numbers_are_not_implemented) {
    for (const uint64_t number : {11UL, 43UL, 56UL, ~0UL, 1UL << 32 | 17}) {
        EXPECT_EQ(guest.call(static_cast<Hypercall>(number)), minus(Errno::XEN_ENOSYS)) << number;
    }
    EXPECT_EQ(guest.call(Hypercall::mmu_update), minus(Errno::XEN_ENOSYS));
    EXPECT_EQ(guest.call(Hypercall::physdev_op), minus(Errno::XEN_ENOSYS));
    EXPECT_EQ(guest.call(Hypercall::vm_assist), minus(Errno::XEN_ENOSYS));
}

TEST_F(Dispatch, control_calls_are_forbidden) {
    EXPECT_EQ(guest.call(Hypercall::domctl), minus(Errno::XEN_EPERM));
    EXPECT_EQ(guest.call(Hypercall::sysctl), minus(Errno::XEN_EPERM));
    EXPECT_EQ(guest.call(Hypercall::platform_op), minus(Errno::XEN_EPERM));
}

TEST_F(Dispatch, launch_op_gets_command_and_argument) {
    EXPECT_EQ(builder.call(Hypercall::arch_7, 3, 0x1000), 0x1003);
    EXPECT_EQ(guest.call(Hypercall::arch_7, 3, 0x1000), minus(Errno::XEN_EPERM));
}

TEST_F(Dispatch, other_registers_survive) {
    guest.vcpu().registers.rbx = 77;
    guest.vcpu().registers.r11 = 78;
    guest.call(Hypercall::xen_version, 0, 5);
    EXPECT_EQ(guest.vcpu().registers.rbx, 77U);
    EXPECT_EQ(guest.vcpu().registers.r11, 78U);
    EXPECT_EQ(guest.vcpu().registers.rsi, 5U);
}

class Multicall : public HypercallTest {
  protected:
    static hv::abi::MulticallEntry entry(Hypercall number, uint64_t a = 0, uint64_t b = 0,
                                         uint64_t c = 0) {
        return {.op = static_cast<uint64_t>(number), .result = 0xdead, .args = {a, b, c, 0, 0, 0}};
    }
    template <size_t N>
    int64_t multicall(uint64_t list, const std::array<hv::abi::MulticallEntry, N>&) {
        return guest.call(Hypercall::multicall, list, N);
    }
};

TEST_F(Multicall, every_entry_gets_its_own_answer) {
    const std::array list{entry(Hypercall::xen_version, 0), entry(Hypercall::mmu_update),
                          entry(Hypercall::xen_version, 7)};
    const uint64_t at = guest.put(list);
    EXPECT_EQ(multicall(at, list), 0);
    const auto done = guest.get<std::array<hv::abi::MulticallEntry, 3>>(at);
    EXPECT_EQ(done[0].result, version_of_417);
    EXPECT_EQ(static_cast<int64_t>(done[1].result), minus(Errno::XEN_ENOSYS));
    EXPECT_EQ(done[2].result, 4096U);
}

TEST_F(Multicall, long_list_is_done_in_bounded_parts) {
    std::array<hv::abi::MulticallEntry, 60> list{};
    list.fill(entry(Hypercall::xen_version, 7));
    const uint64_t at = guest.put(list);
    EXPECT_EQ(multicall(at, list), 0);
    EXPECT_GT(guest.rounds(), 1U);
    for (const auto& done : guest.get<decltype(list)>(at)) {
        EXPECT_EQ(done.result, 4096U);
    }
}

// Whatever its entries wait for.
TEST_F(Multicall, slow_list_gives_way_after_each_entry) {
    std::array<hv::abi::MulticallEntry, 5> list{};
    list.fill(entry(Hypercall::xen_version, 7));
    const uint64_t at = guest.put(list);
    machine.sched.ns_per_look = hv::sched::slice_ns;
    EXPECT_EQ(multicall(at, list), 0);
    EXPECT_EQ(guest.rounds(), list.size());
    for (const auto& done : guest.get<decltype(list)>(at)) {
        EXPECT_EQ(done.result, 4096U);
    }
}

TEST_F(Multicall, long_entry_continues_where_it_was) {
    const uint64_t text = 8 << hv::page_shift;
    const std::array list{entry(Hypercall::console_io, 0, 3000, text),
                          entry(Hypercall::xen_version, 7)};
    for (uint64_t n = 0; n < 3000; ++n) {
        domain.at<char>(text + n) = static_cast<char>('a' + n % 26);
    }
    const uint64_t at = guest.put(list);
    EXPECT_EQ(multicall(at, list), 0);
    EXPECT_EQ(console[1].size(), 3000U);
    EXPECT_EQ(console[1].substr(2990), "abcdefghij");
    EXPECT_EQ((guest.get<std::array<hv::abi::MulticallEntry, 2>>(at)[0].result), 0U);
}

TEST_F(Multicall, multicalls_do_not_nest) {
    const uint64_t inner = guest.put(entry(Hypercall::xen_version, 7));
    const std::array list{entry(Hypercall::multicall, inner, 1)};
    const uint64_t at = guest.put(list);
    EXPECT_EQ(multicall(at, list), 0);
    EXPECT_EQ(static_cast<int64_t>(guest.get<hv::abi::MulticallEntry>(at).result),
              minus(Errno::XEN_EINVAL));
    EXPECT_EQ(guest.get<hv::abi::MulticallEntry>(inner).result, 0xdeadU);
}

TEST_F(Multicall, list_that_is_not_there_is_a_fault) {
    EXPECT_EQ(guest.call(Hypercall::multicall, Guest::not_mapped, 1), minus(Errno::XEN_EFAULT));
    EXPECT_EQ(guest.call(Hypercall::multicall, Guest::not_mapped, 0), 0);
    const uint64_t last = (FakeDomain::ram_pages << hv::page_shift) - 64;
    domain.at<hv::abi::MulticallEntry>(last) = entry(Hypercall::xen_version, 7);
    EXPECT_EQ(guest.call(Hypercall::multicall, last, ~0UL), minus(Errno::XEN_EFAULT));
}

}  // namespace
