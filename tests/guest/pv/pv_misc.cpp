// SPDX-License-Identifier: Apache-2.0
// What else a PV kernel asks for: debug registers, fpu_taskswitch, vm_assist, I/O privilege,
// xen_version, CPUID, and hypercalls that do not exist.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_pv.hpp"
#include "hv/abi/xen_version.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"
#include "tests/guest/pv/rt/user.hpp"

USER_PROGRAM(user_in);

namespace {

using namespace pv;
using hv::abi::Errno;

int64_t set_debug(uint64_t number, uint64_t value) {
    return hypercall(Hypercall::set_debugreg, number, value);
}
int64_t get_debug(uint64_t number) {
    return hypercall(Hypercall::get_debugreg, number);
}

void debug_registers() {
    for (unsigned n = 0; n < 4; ++n) {
        check_result(set_debug(n, 0x1000 + n), 0, "an address");
        check_result(get_debug(n), 0x1000 + n, "comes back");
        check_error(set_debug(n, not_canonical), Errno::XEN_EPERM, "not canonical");
        check_error(set_debug(n, hv::abi::pv_hypervisor_virt_start), Errno::XEN_EPERM, "hv's");
        check_result(get_debug(n), 0x1000 + n, "is the same");
    }
    check_error(set_debug(8, 0), Errno::XEN_ENODEV, "no register 8");
    check_error(get_debug(8), Errno::XEN_EINVAL, "no register 8");
    check_error(set_debug(7, uint64_t{1} << 32), Errno::XEN_EPERM, "DR7 has 32 bits");
    check_error(set_debug(6, uint64_t{1} << 32), Errno::XEN_EPERM, "DR6 has 32 bits");
    check_error(set_debug(7, 0x2000), Errno::XEN_EPERM, "general detect");

    // That a breakpoint fires cannot be seen here: the emulator does not arm what VMRUN loads.
    check_result(set_debug(7, 0x403), 0, "DR7");
    check_result(get_debug(7), 0x403, "DR7 comes back");
    check_result(set_debug(7, 0), 0, "DR7 off");
    check_result(get_debug(7), 0x400, "a fixed bit stays");
    check_result(set_debug(4, 0xf), 0, "DR4 is DR6");
    check_result(get_debug(6), 0xffff0fff, "DR6 has its fixed bits");
}

void assists() {
    const auto assist = [](uint64_t command, uint64_t type) {
        return hypercall(Hypercall::vm_assist, command, type);
    };
    using namespace hv::abi;
    for (const uint32_t type : {VMASST_TYPE_writable_pagetables, VMASST_TYPE_pae_extended_cr3,
                                VMASST_TYPE_architectural_iopl, VMASST_TYPE_runstate_update_flag,
                                VMASST_TYPE_m2p_strict}) {
        check_result(assist(0, type), 0, "enable");
        check_result(assist(1, type), 0, "disable");
    }
    for (const uint64_t type :
         {uint64_t{0}, uint64_t{1}, uint64_t{63}, uint64_t{64}, ~uint64_t{0}}) {
        check_error(assist(0, type), Errno::XEN_EINVAL, "no such assist");
    }
    check_error(assist(2, VMASST_TYPE_writable_pagetables), Errno::XEN_ENOSYS, "no such command");
}

void io_privilege() {
    hv::abi::PhysdevSetIopl iopl{3};
    check_result(hypercall(Hypercall::physdev_op, 6, &iopl), 0, "set_iopl");
    check_equal(run_user(user_state(user_in)).trap.number, 13,
                "a user's IN is refused all the same");
    iopl.iopl = 4;
    check_error(hypercall(Hypercall::physdev_op, 6, &iopl), Errno::XEN_EINVAL, "set_iopl 4");
    hv::abi::PhysdevSetIobitmap bitmap{0, 65536, 0};
    check_result(hypercall(Hypercall::physdev_op, 7, &bitmap), 0, "set_iobitmap");
    bitmap.nr_ports = 65537;
    check_error(hypercall(Hypercall::physdev_op, 7, &bitmap), Errno::XEN_EINVAL, "set_iobitmap");
    for (const uint64_t op : {6, 7}) {
        check_error(hypercall(Hypercall::physdev_op, op, uint64_t{not_mapped}), Errno::XEN_EFAULT,
                    "physdev_op: no argument");
    }
    check_error(hypercall(Hypercall::physdev_op, 99, uint64_t{0}), Errno::XEN_ENOSYS, "physdev_op");
    vcpu_info().evtchn_upcall_mask = 1;
}

void versions() {
    using Op = hv::abi::XenVersionOp;
    check_result(hypercall(Hypercall::xen_version, Op::XENVER_version), 4 << 16 | 17, "version");
    hv::abi::XenFeatureInfo info{};
    check_result(hypercall(Hypercall::xen_version, Op::XENVER_get_features, &info), 0, "features");
    check_equal(info.submap >> hv::abi::XENFEAT_auto_translated_physmap & 1, 0, "not translated");
    check_equal(info.submap >> hv::abi::XENFEAT_writable_page_tables & 1, 0, "not writable");
    check_equal(info.submap >> hv::abi::XENFEAT_mmu_pt_update_preserve_ad & 1, 1, "preserve A/D");
    info.submap_idx = 1000;
    check_error(hypercall(Hypercall::xen_version, Op::XENVER_get_features, &info),
                Errno::XEN_EINVAL, "no such submap");
    hv::abi::XenPlatformParameters parameters{};
    check_result(hypercall(Hypercall::xen_version, Op::XENVER_platform_parameters, &parameters), 0,
                 "platform parameters");
    check_equal(parameters.virt_start, hv::abi::pv_hypervisor_virt_start, "virt_start");
    check_error(hypercall(Hypercall::xen_version, Op::XENVER_get_features, uint64_t{not_mapped}),
                Errno::XEN_EFAULT, "no argument");
    check_error(hypercall(Hypercall::xen_version, 99, uint64_t{0}), Errno::XEN_ENOSYS, "no such");
}

void cpuid() {
    const auto leaf = [](uint32_t number) {
        struct {
            uint32_t eax, ebx, ecx, edx;
        } r{number, 0, 0, 0};
        asm volatile("cpuid" : "+a"(r.eax), "=b"(r.ebx), "+c"(r.ecx), "=d"(r.edx));
        return r;
    };
    check_equal(leaf(0x40000000).ebx, 0x566e6558, "Xen's leaves");
    check_equal(leaf(0x40000001).eax, 4 << 16 | 17, "the version's leaf");
    check(leaf(0x40000000).eax >= 0x40000005, "the leaf for PV");
}

void no_such_calls() {
    for (const uint64_t number : {6, 16, 19, 27, 31, 37, 38, 39, 40, 41, 50, 63, 127}) {
        check_error(hypercall_raw(number, 0, 0, 0, 0), Errno::XEN_ENOSYS, "no such hypercall");
    }
    for (const uint64_t number : {7, 35, 36, 42}) {
        check_error(hypercall_raw(number, 0, 0, 0, 0), Errno::XEN_EPERM, "of control domains");
    }
    if (pv_uses_syscall) {
        check_error(hypercall_raw(~uint64_t{0}, 0, 0, 0, 0), Errno::XEN_ENOSYS, "number ~0");
        check_error(hypercall_raw(uint64_t{1} << 32, 0, 0, 0, 0), Errno::XEN_ENOSYS, "number 2^32");
    }
}

void all() {
    debug_registers();
    assists();
    io_privilege();
    versions();
    cpuid();
    no_such_calls();
}

}  // namespace

void pv::run() {
    start_user();
    run_both_ways(all);
}
