// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/pv/rt/second.hpp"

#include "hv/abi/xen_vcpu.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/traps.hpp"

extern "C" [[noreturn]] void pv_second_start();

namespace pv {

namespace {

using Program = void (*)();
constinit Program second_program = nullptr;

uint64_t address_of(const uint8_t* symbol) {
    return reinterpret_cast<uint64_t>(symbol);
}

}  // namespace

hv::abi::VcpuGuestContext second_context() {
    hv::abi::VcpuGuestContext context{};
    context.flags = hv::abi::VGCF_in_kernel | hv::abi::VGCF_online;
    context.user_regs.rip = address_of(pv_second_entry);
    context.user_regs.cs = hv::abi::FLAT_KERNEL_CS;
    context.user_regs.ss = hv::abi::FLAT_KERNEL_SS;
    context.user_regs.rsp = stack_top(1) - 16;
    context.user_regs.rflags = 2;
    for (unsigned vector = 0; vector < 256; ++vector) {
        context.trap_ctxt[vector] = {.vector = static_cast<uint8_t>(vector),
                                     .cs = hv::abi::FLAT_KERNEL_CS,
                                     .address = trap_entry(vector)};
    }
    context.kernel_ss = hv::abi::FLAT_KERNEL_SS;
    context.kernel_sp = trap_stack_top(1);
    context.ctrlreg[3] = root_mfn() * page_bytes;
    context.event_callback_eip = address_of(pv_event_entry);
    context.failsafe_callback_eip = address_of(pv_failsafe_entry);
    context.syscall_callback_eip = address_of(pv_syscall_entry);
    return context;
}

void start_second(void (*program)()) {
    second_program = program;
    static constinit hv::abi::VcpuGuestContext context{};
    context = second_context();
    using Op = hv::abi::VcpuOp;
    const int64_t made = hypercall(Hypercall::vcpu_op, Op::VCPUOP_initialise, 1, &context);
    const int64_t up = hypercall(Hypercall::vcpu_op, Op::VCPUOP_up, 1);
    if (made != 0 || up != 0) {
        fail("the second vCPU", static_cast<uint64_t>(made | up));
    }
}

}  // namespace pv

void pv_second_start() {
    pv::set_callback(4, reinterpret_cast<uint64_t>(pv_nmi_entry), 0);
    pv::second_program();
    pv::fail("the second vCPU's program returns");
}
