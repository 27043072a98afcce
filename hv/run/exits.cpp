// SPDX-License-Identifier: Apache-2.0
#include "hv/run/exits.hpp"

#include "hv/abi/platform_port.hpp"
#include "hv/abi/xen_errno.hpp"
#include "hv/base/text.hpp"
#include "hv/dev/log.hpp"
#include "hv/domain/domain.hpp"
#include "hv/hvm/exit_control.hpp"
#include "hv/hvm/exit_cpuid.hpp"
#include "hv/hvm/exit_debug.hpp"
#include "hv/hvm/exit_length.hpp"
#include "hv/hvm/exit_msr.hpp"
#include "hv/hvm/fetch.hpp"
#include "hv/hvm/interrupts.hpp"
#include "hv/hvm/mmio.hpp"
#include "hv/hvm/outcome.hpp"
#include "hv/hypercall/dispatch.hpp"
#include "hv/pv/area.hpp"
#include "hv/pv/exits.hpp"
#include "hv/sched/sched.hpp"
#include "hv/svm/svm.hpp"
#include "hv/x86/instructions.hpp"

namespace hv::run {

using namespace hvm;  // this folder is the top of it

namespace {

constexpr uint64_t vmmcall_bytes = 3;
constexpr uint64_t rflags_if = 1 << 9;

void handle_hlt(domain::Vcpu& v) {
    if (v.pv != nullptr) {
        svm::inject_exception(*v.vmcb, svm::Exception::GP);  // as to any kernel of Xen
        return;
    }
    const auto length = exit_length(v, ExitInstruction::Hlt);
    if (!length) {
        return;
    }
    if ((v.vmcb->save().rflags & rflags_if) == 0) {
        v.halt_bytes = static_cast<uint8_t>(*length);  // RIP stays: what is no NMI halts again
        sched::halt_current();
    } else {
        skip(v, *length);
        if (!svm::is_event_injected(*v.vmcb)) {  // a single step ends the halt at once
            sched::block_current();
        }
    }
}

// WBINVD and INVD: no device needs them. The processor looks at the privilege before the intercept,
// [apm2] table 15-7; QEMU 10.0 does not.
void handle_cache_flush(domain::Vcpu& v, ExitInstruction which) {
    if (v.vmcb->save().cpl != 0) {
        svm::inject_exception(*v.vmcb, svm::Exception::GP);
        return;
    }
    if (const auto length = exit_length(v, which)) {
        skip(v, *length);
    }
}

void handle_vmmcall(domain::Vcpu& v) {
    if (v.vmcb->save().cpl != 0) {
        svm::inject_exception(*v.vmcb, svm::Exception::UD);
        return;
    }
    if (v.pv != nullptr && pv::handle_stub_op(v)) {
        return;
    }
    if (code_mode(v) != CodeMode::Code64) {
        // Structures of 32-bit callers have another layout; nobody asks for them in a PVH domain.
        constexpr auto enosys = -static_cast<int32_t>(abi::Errno::XEN_ENOSYS);
        v.registers.rax = static_cast<uint32_t>(enosys);
        skip(v, vmmcall_bytes);
        return;
    }
    if (hypercall::dispatch(v) == hypercall::Completion::Done) {
        skip(v, vmmcall_bytes);
    }
}

// What IN reads where no device is. All ones, as on a bus, but for the timer's ports: Linux takes
// all ones there for a counter that runs, and spends a second (100,000 exits) to find out.
uint64_t absent_port_value(uint16_t port) {
    constexpr uint16_t first_pit_port = 0x40;
    constexpr uint16_t last_pit_port = 0x43;
    return port >= first_pit_port && port <= last_pit_port ? 0 : ~uint64_t{0};
}

// The one register there is: turning the machine off.
void out(domain::Vcpu& v, uint16_t port, uint8_t value) {
    constexpr uint8_t soft_off = abi::sleep_enable | abi::sleep_type_soft_off
                                                         << abi::sleep_type_shift;
    if (port == abi::sleep_control_port && value == soft_off) {
        domain::end(*v.domain, domain::End::Poweroff, "");
    }
}

// Ports: nothing else is there. OUT goes nowhere, strings move nothing.
void handle_ioio(domain::Vcpu& v) {
    const uint64_t info = v.vmcb->control().exitinfo1;  // [apm2] 15.10.2
    const auto port = static_cast<uint16_t>(info >> 16);
    constexpr uint64_t is_in = 1 << 0;
    constexpr uint64_t is_string = 1 << 2;
    constexpr uint64_t is_repeated = 1 << 3;
    if ((info & is_string) != 0) {
        v.registers.rcx = (info & is_repeated) != 0 ? 0 : v.registers.rcx;
    } else if ((info & is_in) != 0) {
        const uint64_t size = (info >> 4) & 7;  // 1, 2 or 4 bytes
        const uint64_t mask = (uint64_t{1} << (8 * size)) - 1;
        const uint64_t value = absent_port_value(port) & mask;
        uint64_t& rax = v.registers.rax;
        rax = size == 4 ? value : (rax & ~mask) | value;
    }
    go_on_at(v, v.vmcb->control().exitinfo2);
    if ((info & (is_in | is_string)) == 0) {
        out(v, port, static_cast<uint8_t>(v.registers.rax));
    }
}

// #UD is intercepted for PV kernels only.
void handle_undefined_opcode(domain::Vcpu& v) {
    if (pv::handle_undefined_opcode(v)) {
        handle_cpuid(v);
    }
}

void handle_nmi() {
    if (dev::is_stopping()) {
        x86::halt_forever();
    }
}

}  // namespace

void handle_exit(domain::Vcpu& v) {
    v.halt_bytes = 0;
    if (v.pv != nullptr) {
        pv::restore_interrupt_flag(v);
    }
    const svm::VmcbControl& control = v.vmcb->control();
    switch (svm::exit_code_of(control.exitcode)) {
        case svm::ExitCode::INTR:
        case svm::ExitCode::VINTR:
            return;  // the host's interrupt has been taken; the run loop looks around
        case svm::ExitCode::NMI:
            handle_nmi();
            return;
        // The guest's own; they exit so that the host gets its turn (svm/container.cpp).
        case svm::ExitCode::EXCEPTION_DB:
            // One that MOV SS has put off until SYSCALL or INT n was executed finds the stub with
            // the stack or the GS of user space. Nobody can debug the stub.
            if (v.pv == nullptr || !pv::is_in_stub(v.vmcb->save().rip)) {
                svm::inject_exception(*v.vmcb, svm::Exception::DB);
            }
            return;
        case svm::ExitCode::EXCEPTION_MC:
            dev::stop("machine check while a guest ran");
        case svm::ExitCode::EXCEPTION_AC:
            svm::inject_exception(*v.vmcb, svm::Exception::AC);
            return;
        case svm::ExitCode::EXCEPTION_UD:
            handle_undefined_opcode(v);
            return;
        case svm::ExitCode::CPUID:
            handle_cpuid(v);
            return;
        case svm::ExitCode::HLT:
            handle_hlt(v);
            return;
        case svm::ExitCode::VMMCALL:
            handle_vmmcall(v);
            return;
        case svm::ExitCode::MSR:
            handle_msr(v);
            return;
        case svm::ExitCode::IRET:
            note_nmi_return(v);
            return;
        case svm::ExitCode::IOIO:
            handle_ioio(v);
            return;
        case svm::ExitCode::CR0_WRITE:
        case svm::ExitCode::CR8_WRITE:
            handle_control_write(v);
            return;
        case svm::ExitCode::DR0_WRITE:
        case svm::ExitCode::DR1_WRITE:
        case svm::ExitCode::DR2_WRITE:
        case svm::ExitCode::DR3_WRITE:
        case svm::ExitCode::DR5_WRITE:
        case svm::ExitCode::DR7_WRITE:
            handle_debug_write(v);
            return;
        case svm::ExitCode::NPF:
            handle_nested_page_fault(v, GuestPaddr{control.exitinfo2}, control.exitinfo1);
            return;
        case svm::ExitCode::WBINVD:
            handle_cache_flush(v, ExitInstruction::Wbinvd);
            return;
        case svm::ExitCode::INVD:
            handle_cache_flush(v, ExitInstruction::Invd);
            return;
        // Of PV kernels only: their descriptor tables are hv's.
        case svm::ExitCode::GDTR_WRITE:
        case svm::ExitCode::IDTR_WRITE:
        case svm::ExitCode::LDTR_WRITE:
        case svm::ExitCode::TR_WRITE:
        case svm::ExitCode::RDPMC:
            svm::inject_exception(*v.vmcb, svm::Exception::GP);
            return;
        case svm::ExitCode::INVLPGA:
        case svm::ExitCode::VMRUN:
        case svm::ExitCode::VMLOAD:
        case svm::ExitCode::VMSAVE:
        case svm::ExitCode::STGI:
        case svm::ExitCode::CLGI:
        case svm::ExitCode::SKINIT:
        case svm::ExitCode::MONITOR:
        case svm::ExitCode::MWAIT:
        case svm::ExitCode::MWAIT_CONDITIONAL:
            svm::inject_exception(*v.vmcb, svm::Exception::UD);
            return;
        case svm::ExitCode::SHUTDOWN:
            end_with_registers(v, domain::End::TripleFault, "triple fault");
            return;
        case svm::ExitCode::TASK_SWITCH:
            kill(v, "a hardware task switch");
            return;
        case svm::ExitCode::INVALID:
            kill(v, "a state the processor refuses to run");
            return;
    }
    TextOf<64> text;
    kill(v, text.put("exit code ").hex(control.exitcode).put(" that nobody handles").view());
}

}  // namespace hv::run
