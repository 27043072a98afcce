// SPDX-License-Identifier: Apache-2.0
#include "hv/abi/xen_vcpu.hpp"
#include "hv/event/vcpu_info.hpp"
#include "hv/hypercall/runstate.hpp"
#include "hv/pv/pv.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::Gfn;
using hv::abi::Errno;
using hv::abi::Hypercall;
using VcpuCall = hv::abi::VcpuOp;
namespace abi = hv::abi;

class VcpuOp : public HypercallTest {
  protected:
    int64_t vcpu_op(VcpuCall op, uint64_t vcpu = 0, uint64_t argument = 0) {
        return guest.call(Hypercall::vcpu_op, static_cast<uint64_t>(op), vcpu, argument);
    }
    int64_t register_info(uint64_t vcpu, uint64_t gfn, uint32_t offset) {
        abi::VcpuRegisterVcpuInfo args{};
        args.mfn = gfn;
        args.offset = offset;
        return vcpu_op(VcpuCall::VCPUOP_register_vcpu_info, vcpu, guest.put(args));
    }
    int64_t singleshot(uint64_t deadline, uint32_t flags = 0, uint64_t vcpu = 0) {
        abi::VcpuSetSingleshotTimer args{};
        args.timeout_abs_ns = deadline;
        args.flags = flags;
        return vcpu_op(VcpuCall::VCPUOP_set_singleshot_timer, vcpu, guest.put(args));
    }
};

TEST_F(VcpuOp, registered_vcpu_info_takes_the_events_and_pins_its_page) {
    domain.domain().shared_info->vcpu_info[0].time.system_time = 99;
    EXPECT_EQ(register_info(0, 5, 128), 0);
    abi::VcpuInfo& info = domain.at<abi::VcpuInfo>(0x5080);
    EXPECT_EQ(guest.vcpu().info.load(), &info);
    EXPECT_EQ(info.evtchn_upcall_pending, 1);
    EXPECT_EQ(info.evtchn_pending_sel, ~uint64_t{0});
    EXPECT_EQ(info.time.system_time, 99U);
    EXPECT_EQ(machine.foreign_mappings(domain.mfn(Gfn{5})), 1U);

    hv::event::release_vcpu_info(domain.domain());
    EXPECT_EQ(machine.foreign_mappings(domain.mfn(Gfn{5})), 0U);
    EXPECT_EQ(guest.vcpu().info.load(), &domain.domain().shared_info->vcpu_info[0]);
}

TEST_F(VcpuOp, vcpu_info_is_registered_once) {
    EXPECT_EQ(register_info(0, 5, 0), 0);
    EXPECT_EQ(register_info(0, 6, 0), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(machine.foreign_mappings(domain.mfn(Gfn{6})), 0U);
}

TEST_F(VcpuOp, vcpu_info_of_another_vcpu_only_while_it_is_down) {
    EXPECT_EQ(register_info(1, 5, 64), 0);
    EXPECT_EQ(domain.vcpu(1).info.load(), &domain.at<abi::VcpuInfo>(0x5040));
    FakeDomain& third = machine.add_domain(3, 2);
    third.vcpu(1).is_up = true;
    Guest caller{third};
    abi::VcpuRegisterVcpuInfo args{};
    args.mfn = 5;
    EXPECT_EQ(caller.call(Hypercall::vcpu_op, 10, 1, caller.put(args)), minus(Errno::XEN_EINVAL));
}

TEST_F(VcpuOp, vcpu_info_must_lie_in_one_page_of_own_ram) {
    EXPECT_EQ(register_info(0, 5, 4096 - 64), 0);
    EXPECT_EQ(register_info(1, 5, 4096 - 63), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(register_info(1, 5, 4), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(register_info(1, 5, ~0U), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(register_info(1, 1000, 0), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(register_info(1, ~0UL, 0), minus(Errno::XEN_EINVAL));
    ASSERT_TRUE(
        domain.domain().p2m.map(Gfn{200}, other.mfn(Gfn{1}), 1, hv::mm::Access::ReadWrite).ok());
    EXPECT_EQ(register_info(1, 200, 0), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{1})), 0U);
}

TEST_F(VcpuOp, singleshot_timer_is_armed_and_stopped) {
    EXPECT_EQ(singleshot(7'000'000), 0);
    EXPECT_EQ(machine.sched.singleshot_ns.at(&guest.vcpu()), 7'000'000U);
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_stop_singleshot_timer), 0);
    EXPECT_TRUE(machine.sched.singleshot_ns.empty());
}

TEST_F(VcpuOp, past_deadline_fires_at_once_unless_the_guest_wants_to_know) {
    machine.sched.now_ns = 1000;
    EXPECT_EQ(singleshot(999, abi::VCPU_SSHOTTMR_future), minus(Errno::XEN_ETIME));
    EXPECT_TRUE(machine.sched.singleshot_ns.empty());
    EXPECT_EQ(singleshot(1000, abi::VCPU_SSHOTTMR_future), 0);
    EXPECT_EQ(singleshot(0), 0);
    EXPECT_EQ(machine.sched.singleshot_ns.at(&guest.vcpu()), 1U);
}

TEST_F(VcpuOp, timers_belong_to_the_caller) {
    EXPECT_EQ(singleshot(5'000'000, 0, 1), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_stop_singleshot_timer, 1), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_stop_periodic_timer), 0);
}

TEST_F(VcpuOp, runstate_area_is_written_when_registered) {
    guest.vcpu().sched.state = hv::sched::RunState::Running;
    guest.vcpu().sched.since_ns = 400;
    machine.sched.now_ns = 1000;
    const uint64_t area = guest.put(abi::VcpuRunstateInfo{});
    abi::VcpuRegisterRunstateMemoryArea args{};
    args.addr.p = area;
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_register_runstate_memory_area, 0, guest.put(args)), 0);
    EXPECT_EQ(guest.vcpu().runstate_area.value(), area);
    const auto info = guest.get<abi::VcpuRunstateInfo>(area);
    EXPECT_EQ(info.state, 0U);
    EXPECT_EQ(info.state_entry_time, 400U);
    EXPECT_EQ(info.time[0], 600U);
}

TEST_F(VcpuOp, runstates_are_xens) {
    hv::domain::Vcpu& v = domain.vcpu(1);
    v.sched.time_ns = {10, 20, 30, 40};  // Offline, Blocked, Runnable, Running
    v.sched.state = hv::sched::RunState::Blocked;
    v.sched.since_ns = 100;
    const auto info = hv::hypercall::runstate_of(v, 105);
    EXPECT_EQ(info.state, 2U);
    EXPECT_EQ(info.time[0], 40U);
    EXPECT_EQ(info.time[1], 30U);
    EXPECT_EQ(info.time[2], 25U);
    EXPECT_EQ(info.time[3], 10U);
}

// The mark cannot be seen while it is set, but where the area ends half-way it is left behind.
TEST_F(VcpuOp, runstate_updates_are_marked_for_those_who_ask) {
    hv::pv::PvDomain pv;
    domain.domain().pv = &pv;
    auto& v = guest.vcpu();
    constexpr uint64_t entry_time = offsetof(abi::VcpuRunstateInfo, state_entry_time);
    const uint64_t whole = guest.put(abi::VcpuRunstateInfo{});
    constexpr uint64_t half = (FakeDomain::ram_pages << hv::page_shift) - 16;
    v.sched.since_ns = 77;
    for (const bool asks : {false, true}) {
        pv.vm_assist = asks ? 1U << abi::VMASST_TYPE_runstate_update_flag : 0;
        v.runstate_area = hv::GuestVaddr{whole};
        hv::hypercall::refresh_runstate(v, 100);
        EXPECT_EQ(guest.get<uint64_t>(whole + entry_time), 77U);
        v.runstate_area = hv::GuestVaddr{half};
        hv::hypercall::refresh_runstate(v, 100);
        EXPECT_EQ(guest.get<uint64_t>(half + entry_time) & abi::XEN_RUNSTATE_UPDATE,
                  asks ? abi::XEN_RUNSTATE_UPDATE : 0);
    }
}

TEST_F(VcpuOp, bad_runstate_area_is_not_kept) {
    abi::VcpuRegisterRunstateMemoryArea args{};
    args.addr.p = Guest::not_mapped;
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_register_runstate_memory_area, 0, guest.put(args)),
              minus(Errno::XEN_EFAULT));
    EXPECT_EQ(guest.vcpu().runstate_area.value(), 0U);
}

TEST_F(VcpuOp, time_area_gets_the_time_at_once) {
    domain.domain().shared_info->vcpu_info[0].time.system_time = 42;
    abi::VcpuRegisterTimeMemoryArea args{};
    args.addr.p = 0x6000;
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_register_vcpu_time_memory_area, 0, guest.put(args)), 0);
    EXPECT_EQ(guest.vcpu().time_area.value(), 0x6000U);
    EXPECT_EQ(domain.at<abi::VcpuTimeInfo>(0x6000).system_time, 42U);

    args.addr.p = 0x6ff0;  // would cross into the next page
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_register_vcpu_time_memory_area, 0, guest.put(args)),
              minus(Errno::XEN_EINVAL));
    args.addr.p = Guest::not_mapped;
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_register_vcpu_time_memory_area, 0, guest.put(args)),
              minus(Errno::XEN_EFAULT));
    EXPECT_EQ(guest.vcpu().time_area.value(), 0x6000U);
    args.addr.p = 0;
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_register_vcpu_time_memory_area, 0, guest.put(args)), 0);
    EXPECT_EQ(guest.vcpu().time_area.value(), 0U);
}

TEST_F(VcpuOp, vcpus_go_up_and_down) {
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_is_up, 0), 1);
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_is_up, 1), 0);
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_up, 1), minus(Errno::XEN_EINVAL));  // has no state yet
    domain.vcpu(1).is_initialised = true;
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_up, 1), 0);
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_is_up, 1), 1);
    EXPECT_TRUE(machine.sched.online.at(&domain.vcpu(1)));
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_down, 1), 0);
    EXPECT_FALSE(machine.sched.online.at(&domain.vcpu(1)));
    EXPECT_TRUE(machine.ended.empty());
}

TEST_F(VcpuOp, last_vcpu_down_is_the_end) {
    EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_down, 0), 0);
    EXPECT_EQ(machine.ended.at(&domain.domain()), hv::domain::End::Poweroff);
}

TEST_F(VcpuOp, ids_beyond_the_last_vcpu_do_not_exist) {
    for (const uint64_t id : {2UL, 0xffffffffUL}) {
        EXPECT_EQ(vcpu_op(VcpuCall::VCPUOP_is_up, id), minus(Errno::XEN_ENOENT));
    }
}

TEST_F(VcpuOp, rest_is_not_offered) {
    for (const VcpuCall op :
         {VcpuCall::VCPUOP_initialise, VcpuCall::VCPUOP_set_periodic_timer,
          VcpuCall::VCPUOP_send_nmi, VcpuCall::VCPUOP_get_physid, static_cast<VcpuCall>(14)}) {
        EXPECT_EQ(vcpu_op(op), minus(Errno::XEN_ENOSYS));
    }
}

TEST_F(VcpuOp, arguments_that_are_not_there_are_a_fault) {
    for (const VcpuCall op :
         {VcpuCall::VCPUOP_get_runstate_info, VcpuCall::VCPUOP_register_runstate_memory_area,
          VcpuCall::VCPUOP_set_singleshot_timer, VcpuCall::VCPUOP_register_vcpu_info,
          VcpuCall::VCPUOP_register_vcpu_time_memory_area}) {
        EXPECT_EQ(vcpu_op(op, 0, Guest::not_mapped), minus(Errno::XEN_EFAULT));
    }
}

}  // namespace
