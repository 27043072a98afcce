// SPDX-License-Identifier: Apache-2.0
// Descriptor tables: set_gdt, update_descriptor, MMUEXT_SET_LDT, segment bases by selector; call
// gates and segments of privilege 0 are refused. And the entry points: trap table, callbacks, NMI,
// stack.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"
#include "tests/guest/pv/rt/user.hpp"

USER_PROGRAM(user_load_ds);
USER_PROGRAM(user_far_call);
USER_PROGRAM(user_get_bases);
USER_PROGRAM(user_ud2);

namespace {

using namespace pv;
using hv::abi::Errno;

constexpr uint64_t nobodys_frame = 0x90000;

constexpr uint64_t user_data = 0x00cff3000000ffff;
constexpr uint64_t user_code = 0x00affb000000ffff;
constexpr uint64_t kernel_code = 0x00af9b000000ffff;
constexpr uint64_t not_present = 0x00cf73000000ffff;
// To 16:32 bits of the kernel's half; of privilege 3, so that user mode may call it.
constexpr uint64_t call_gate = uint64_t{0xec} << 40 | uint64_t{0xe038} << 16;
constexpr uint64_t interrupt_gate = uint64_t{0xee} << 40 | uint64_t{0xe038} << 16;
constexpr uint64_t ldt = uint64_t{0x82} << 40;
constexpr uint64_t tss = uint64_t{0x89} << 40;

uint64_t gdt_pfn = 0;

int64_t set_descriptor(unsigned index, uint64_t descriptor) {
    return hypercall(Hypercall::update_descriptor, mfn_of(gdt_pfn) * page_bytes + index * 8,
                     descriptor);
}

bool loads(uint16_t selector) {
    UserState state = user_state(user_load_ds);
    state.rdi = selector;
    const Seen seen = run_user(state);
    vcpu_info().evtchn_upcall_mask = 1;
    return seen.trap.number == PV_ENTRY_SYSCALL;
}

void gdt() {
    gdt_pfn = take_page();
    const uint64_t frames[2] = {mfn_of(gdt_pfn), nobodys_frame};
    word(virt_of(gdt_pfn) + 8) = user_data;
    check_result(
        update_va_mapping(virt_of(gdt_pfn), mfn_of(gdt_pfn) * page_bytes | pte::kernel_read_only),
        0, "a GDT is not writable");
    check_result(hypercall(Hypercall::set_gdt, frames, 512), 0, "set_gdt");
    check(loads(8 | 3), "a data segment of the GDT");
    check(!loads(16 | 3), "an empty entry");
    check(loads(0xe02b), "the flat segment is still there");
    check_error(hypercall(Hypercall::set_gdt, frames, 7169), Errno::XEN_EINVAL, "too many");
    check_error(hypercall(Hypercall::set_gdt, frames, ~uint64_t{0}), Errno::XEN_EINVAL, "too many");
    check_error(hypercall(Hypercall::set_gdt, frames, 513), Errno::XEN_EINVAL, "nobody's frame");
    check_error(hypercall(Hypercall::set_gdt, uint64_t{not_mapped}, 512), Errno::XEN_EFAULT,
                "no list");
    check_error(hypercall(Hypercall::set_gdt, ~uint64_t{0} - 3, 512), Errno::XEN_EFAULT,
                "a list that wraps");
    check(loads(8 | 3), "after errors it is the same");
    check_result(hypercall(Hypercall::set_gdt, frames, 0), 0, "no GDT");
    check(!loads(8 | 3), "it is gone");
    check_result(hypercall(Hypercall::set_gdt, frames, 512), 0, "and back");
}

void descriptors() {
    check_result(set_descriptor(2, user_data), 0, "a data segment");
    check(loads(16 | 3), "it can be loaded");
    check_result(set_descriptor(2, not_present), 0, "not present");
    UserState state = user_state(user_load_ds);
    state.rdi = 16 | 3;
    const Seen seen = run_user(state);
    vcpu_info().evtchn_upcall_mask = 1;
    check_equal(seen.trap.number, 11, "#NP");
    check_equal(seen.trap.error, 16, "#NP");
    check_result(set_descriptor(2, 0), 0, "an empty one");
    check_result(set_descriptor(3, user_code), 0, "a code segment");
    check_error(set_descriptor(2, call_gate), Errno::XEN_EINVAL, "a call gate");
    check_error(set_descriptor(2, interrupt_gate), Errno::XEN_EINVAL, "an interrupt gate");
    check_error(set_descriptor(2, ldt), Errno::XEN_EINVAL, "an LDT");
    check_error(set_descriptor(2, tss), Errno::XEN_EINVAL, "a TSS");
    // Xen raises the privilege's number instead of refusing.
    check_result(set_descriptor(2, kernel_code), 0, "code of privilege 0");
    check_equal(word(virt_of(gdt_pfn) + 16) >> 45 & 3, 3, "is of privilege 3");
    set_descriptor(2, 0);
    const auto update = [](uint64_t at) {
        return hypercall(Hypercall::update_descriptor, at, uint64_t{user_data});
    };
    check_error(update(nobodys_frame * page_bytes), Errno::XEN_EINVAL, "nobody's frame");
    check_error(update(mfn_of(gdt_pfn) * page_bytes + 4), Errno::XEN_EINVAL, "misaligned");
    check_error(update(hv::abi::pv_area_gfn * page_bytes), Errno::XEN_EINVAL, "hv's frame");
    check_error(update(hv::abi::pv_m2p_gfn * page_bytes), Errno::XEN_EINVAL, "the M2P");
    check_error(update(~uint64_t{7}), Errno::XEN_EINVAL, "the end of all memory");
}

// Written by the kernel itself, into a page that it then makes its GDT.
void smuggled_gates() {
    const uint64_t page = take_page();
    const auto smuggled = [&](uint64_t low, uint64_t high) {
        word(virt_of(page) + 8) = low;
        word(virt_of(page) + 16) = high;
        const uint64_t frame = mfn_of(page);
        const int64_t answer = hypercall(Hypercall::set_gdt, &frame, 512);
        word(user_data_virt) = uint64_t{8 | 3} << 32;
        UserState state = user_state(user_far_call);
        state.rdi = user_data_virt;
        const Seen seen = run_user(state);
        vcpu_info().evtchn_upcall_mask = 1;
        return answer != 0 || seen.trap.number == 13 || seen.trap.number == 11;
    };
    const uint64_t target = trap_entry(6);
    const uint64_t low = call_gate | (target & 0xffff) | (target >> 16 & 0xffff) << 48;
    check(smuggled(low, target >> 32), "a call gate of user mode to the kernel");
    check(smuggled(low & ~(uint64_t{1} << 47), target >> 32), "one that is not present");
    const uint64_t frame = mfn_of(gdt_pfn);
    hypercall(Hypercall::set_gdt, &frame, 512);
}

void local_table() {
    constexpr uint32_t set_ldt = static_cast<uint32_t>(hv::abi::MmuextCmd::MMUEXT_SET_LDT);
    const uint64_t pfn = take_page();
    word(virt_of(pfn) + 8) = user_data;
    update_va_mapping(virt_of(pfn), mfn_of(pfn) * page_bytes | pte::kernel_read_only);
    check_result(mmuext(set_ldt, virt_of(pfn), 512), 0, "SET_LDT");
    check(loads(8 | 4 | 3), "a segment of the LDT");
    check(!loads(16 | 4 | 3), "an empty entry of the LDT");
    check_error(mmuext(set_ldt, virt_of(pfn) + 8, 512), Errno::XEN_EINVAL, "not a page");
    check_error(mmuext(set_ldt, virt_of(pfn), 8193), Errno::XEN_EINVAL, "too many");
    check_error(mmuext(set_ldt, not_canonical, 1), Errno::XEN_EINVAL, "not canonical");
    check(loads(8 | 4 | 3), "after errors it is the same");
    check_result(mmuext(set_ldt, 0, 0), 0, "no LDT");
    check(!loads(8 | 4 | 3), "it is gone");
}

void gs_by_selector() {
    set_descriptor(
        4, user_data | (user_data_virt & 0xffffff) << 16 | (user_data_virt >> 24 & 0xff) << 56);
    word(user_data_virt) = 0x6a6a;
    const auto load = [](uint64_t selector) {
        return hypercall(Hypercall::set_segment_base, 3, selector);
    };
    hypercall(Hypercall::set_segment_base, 0, user_data_virt);
    check_result(load(32 | 3), 0, "GS by selector");
    check_equal(run_user(user_state(user_get_bases)).trap.rbx, 0x6a6a, "the segment's base");
    check_result(load(0xf123), 0, "a bad selector is a null one");
    check_equal(run_user(user_state(user_get_bases)).trap.number, 14, "with base 0");
    vcpu_info().evtchn_upcall_mask = 1;
}

void entry_points() {
    using hv::abi::CallbackType;
    const auto callback = [](uint16_t type, uint64_t address) {
        return set_callback(type, address, 0);
    };
    const uint64_t here = trap_entry(6);
    for (const uint16_t type : {uint16_t{3}, uint16_t{5}}) {
        check_result(callback(type, here), 0, "a callback for SYSENTER");
    }
    check_error(callback(6, here), Errno::XEN_ENOSYS, "no such callback");
    check_error(callback(0xffff, here), Errno::XEN_ENOSYS, "no such callback");
    for (const unsigned type : {0U, 1U, 2U, 4U, 7U}) {
        check_error(callback(static_cast<uint16_t>(type), not_canonical), Errno::XEN_EINVAL,
                    "a non-canonical callback");
    }
    const auto unregister = [](uint16_t type) {
        const hv::abi::CallbackUnregister args{type, 0};
        return hypercall(Hypercall::callback_op, 1, &args);
    };
    check_error(unregister(0), Errno::XEN_EINVAL, "unregister the event callback");
    check_error(unregister(99), Errno::XEN_ENOSYS, "unregister what is not");
    check_result(unregister(4), 0, "unregister NMI");
    check_error(hypercall(Hypercall::callback_op, 2, uint64_t{0}), Errno::XEN_ENOSYS, "no such");
    for (const uint64_t op : {0, 1}) {
        check_error(hypercall(Hypercall::callback_op, op, uint64_t{not_mapped}), Errno::XEN_EFAULT,
                    "callback_op: no argument");
    }

    const hv::abi::XennmiCallback nmi{reinterpret_cast<uint64_t>(pv_nmi_entry), 0};
    const hv::abi::XennmiCallback bad_nmi{not_canonical, 0};
    check_result(hypercall(Hypercall::nmi_op, 0, &nmi), 0, "nmi_op");
    check_error(hypercall(Hypercall::nmi_op, 0, &bad_nmi), Errno::XEN_EINVAL, "nmi_op");
    check_error(hypercall(Hypercall::nmi_op, 0, uint64_t{not_mapped}), Errno::XEN_EFAULT, "nmi_op");
    check_result(hypercall(Hypercall::nmi_op, 1, uint64_t{0}), 0, "nmi_op");
    check_error(hypercall(Hypercall::nmi_op, 2, uint64_t{0}), Errno::XEN_ENOSYS, "nmi_op");

    const uint64_t event = reinterpret_cast<uint64_t>(pv_event_entry);
    const uint64_t failsafe = reinterpret_cast<uint64_t>(pv_failsafe_entry);
    const uint64_t syscall = reinterpret_cast<uint64_t>(pv_syscall_entry);
    check_result(hypercall(Hypercall::set_callbacks, event, failsafe, syscall), 0, "set_callbacks");
    check_error(hypercall(Hypercall::set_callbacks, not_canonical, failsafe, syscall),
                Errno::XEN_EINVAL, "set_callbacks");
    check_error(hypercall(Hypercall::set_callbacks, event, not_canonical, syscall),
                Errno::XEN_EINVAL, "set_callbacks");
    check_error(hypercall(Hypercall::set_callbacks, event, failsafe, not_canonical),
                Errno::XEN_EINVAL, "set_callbacks");

    const hv::abi::TrapInfo bad[] = {{.vector = 6, .address = not_canonical}, {}};
    check_error(hypercall(Hypercall::set_trap_table, bad), Errno::XEN_EINVAL, "set_trap_table");
    check_error(hypercall(Hypercall::set_trap_table, uint64_t{not_mapped}), Errno::XEN_EFAULT,
                "set_trap_table");
    check_error(hypercall(Hypercall::set_trap_table, ~uint64_t{0} - 7), Errno::XEN_EFAULT,
                "a trap table that wraps");
    check_result(hypercall(Hypercall::set_trap_table, uint64_t{0}), 0, "no traps");
    start_traps();
    check_equal(run_user(user_state(user_ud2)).trap.number, 6, "traps are back");
    vcpu_info().evtchn_upcall_mask = 1;
    check_result(hypercall(Hypercall::stack_switch, 0xe02b, trap_stack_top(0)), 0, "stack_switch");
}

void all() {
    gdt();
    descriptors();
    smuggled_gates();
    local_table();
    gs_by_selector();
    entry_points();
}

}  // namespace

void pv::run() {
    start_user();
    run_both_ways(all);
}
