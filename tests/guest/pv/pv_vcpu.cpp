// SPDX-License-Identifier: Apache-2.0
// vcpu_op of a PV kernel: the areas that it registers, run states, timers, and what each refuses.
// Starting another vCPU: pv_events.cpp.
#include "hv/abi/xen_vcpu.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/memory.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"

namespace {

using namespace pv;
using hv::abi::Errno;
using hv::abi::VcpuOp;

template <class T>
int64_t vcpu_op(VcpuOp op, T argument, uint64_t vcpu = 0) {
    return hypercall(Hypercall::vcpu_op, op, vcpu, argument);
}

void identities() {
    for (const VcpuOp op :
         {VcpuOp::VCPUOP_initialise, VcpuOp::VCPUOP_up, VcpuOp::VCPUOP_down, VcpuOp::VCPUOP_is_up,
          VcpuOp::VCPUOP_get_runstate_info, VcpuOp::VCPUOP_register_runstate_memory_area,
          VcpuOp::VCPUOP_set_singleshot_timer, VcpuOp::VCPUOP_stop_singleshot_timer,
          VcpuOp::VCPUOP_register_vcpu_info, VcpuOp::VCPUOP_send_nmi,
          VcpuOp::VCPUOP_register_vcpu_time_memory_area}) {
        for (const uint64_t vcpu : {1U, 8192U, ~0U}) {
            check_error(vcpu_op(op, uint64_t{0}, vcpu), Errno::XEN_ENOENT, "no such vCPU");
        }
    }
    for (const auto op : {VcpuOp::VCPUOP_set_periodic_timer, VcpuOp::VCPUOP_get_physid,
                          static_cast<VcpuOp>(14), static_cast<VcpuOp>(~0U)}) {
        check_error(vcpu_op(op, uint64_t{0}), Errno::XEN_ENOSYS, "not offered");
    }
}

void run_states() {
    hv::abi::VcpuRunstateInfo info{};
    info.state = 99;
    check_result(vcpu_op(VcpuOp::VCPUOP_get_runstate_info, &info), 0, "get_runstate_info");
    check_equal(info.state, 0, "running");
    check(info.time[0] > 0, "for some time");
    for (const uint64_t bad : unwritable) {
        check_error(vcpu_op(VcpuOp::VCPUOP_get_runstate_info, bad), Errno::XEN_EFAULT, "nowhere");
    }
    static hv::abi::VcpuRunstateInfo area{};
    area.state = 99;
    hv::abi::VcpuRegisterRunstateMemoryArea args{};
    args.addr.p = to_argument(&area);
    constexpr auto registers = VcpuOp::VCPUOP_register_runstate_memory_area;
    check_result(vcpu_op(registers, &args), 0, "register_runstate_memory_area");
    check_equal(area.state, 0, "it is filled at once");
    for (const uint64_t bad : unwritable) {
        args.addr.p = bad;
        check_error(vcpu_op(registers, &args), Errno::XEN_EFAULT, "an area that is not there");
    }
    for (const uint64_t bad : unreadable) {
        check_error(vcpu_op(registers, bad), Errno::XEN_EFAULT, "no argument");
    }
    args.addr.p = 0;
    check_result(vcpu_op(registers, &args), 0, "no area any more");
}

void times() {
    alignas(64) static hv::abi::VcpuTimeInfo area{};
    hv::abi::VcpuRegisterTimeMemoryArea args{};
    args.addr.p = to_argument(&area);
    constexpr auto registers = VcpuOp::VCPUOP_register_vcpu_time_memory_area;
    check_result(vcpu_op(registers, &args), 0, "register_vcpu_time_memory_area");
    check_equal(area.tsc_to_system_mul, vcpu_info().time.tsc_to_system_mul, "filled at once");
    const uint64_t page = virt_of(take_page());
    args.addr.p = page + page_bytes - 8;
    check_error(vcpu_op(registers, &args), Errno::XEN_EINVAL, "across pages");
    for (const uint64_t bad : {not_mapped, not_canonical, hypervisors}) {
        args.addr.p = bad;
        check_error(vcpu_op(registers, &args), Errno::XEN_EFAULT, "an area that is not there");
    }
    for (const uint64_t bad : unreadable) {
        check_error(vcpu_op(registers, bad), Errno::XEN_EFAULT, "no argument");
    }
    args.addr.p = 0;
    check_result(vcpu_op(registers, &args), 0, "no area any more");
    for (const uint64_t bad : unreadable) {
        check_error(vcpu_op(VcpuOp::VCPUOP_set_singleshot_timer, bad), Errno::XEN_EFAULT,
                    "no argument");
    }
    check_result(hypercall(Hypercall::set_timer_op, 0), 0, "no timer");
    check_result(hypercall(Hypercall::set_timer_op, ~uint64_t{0}), 0, "a timer of never");
    check_result(hypercall(Hypercall::set_timer_op, 0), 0, "no timer again");
}

// The last of the tests: what is registered stays.
void infos() {
    constexpr auto registers = VcpuOp::VCPUOP_register_vcpu_info;
    const uint64_t pfn = take_page();
    hv::abi::VcpuRegisterVcpuInfo args{};
    for (const uint64_t bad : unreadable) {
        check_error(vcpu_op(registers, bad), Errno::XEN_EFAULT, "no argument");
    }
    args.mfn = mfn_of(pfn);
    for (const uint32_t offset : {1U, 4U, 4096U - 56, 4096U, ~0U - 7}) {
        args.offset = offset;
        check_error(vcpu_op(registers, &args), Errno::XEN_EINVAL, "an offset that does not fit");
    }
    args.offset = 64;
    for (const uint64_t frame :
         {hv::abi::pv_m2p_gfn, hv::abi::pv_area_gfn, hv::abi::pv_shared_info_gfn,
          hv::abi::pv_foreign_gfn, uint64_t{0x90000}, uint64_t{1} << 40, ~uint64_t{0}}) {
        args.mfn = frame;
        check_error(vcpu_op(registers, &args), Errno::XEN_EINVAL, "a frame that is not ours");
    }
    args.mfn = mfn_of(pfn);
    check_result(vcpu_op(registers, &args), 0, "register_vcpu_info");
    const auto* info = reinterpret_cast<const volatile hv::abi::VcpuInfo*>(virt_of(pfn) + 64);
    check_equal(info->evtchn_upcall_mask, 1, "it says what the old one said");
    check_equal(info->time.tsc_to_system_mul, vcpu_info().time.tsc_to_system_mul, "the time, too");
    check_error(vcpu_op(registers, &args), Errno::XEN_EINVAL, "only once");
    uint64_t list[1] = {mfn_of(pfn)};
    check_result(reserve(decrease, list), 0, "the page stays");
    uint64_t out = pfn;
    auto exchanged = exchange_of(list, 1, 0, &out, 1, 0);
    check_error(exchange(&exchanged), Errno::XEN_EINVAL, "and keeps its name");
}

void all() {
    identities();
    run_states();
    times();
}

}  // namespace

void pv::run() {
    vcpu_info().evtchn_upcall_mask = 1;
    run_both_ways(all);
    infos();
}
