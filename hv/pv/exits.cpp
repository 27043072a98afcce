// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/exits.hpp"

#include "hv/abi/xen_pv.hpp"
#include "hv/base/text.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/guest_copy.hpp"
#include "hv/hvm/outcome.hpp"
#include "hv/pv/area.hpp"
#include "hv/pv/page_tables.hpp"
#include "hv/svm/events.hpp"
#include "hv/svm/vmcb.hpp"
#include "hv/x86/registers.hpp"

#include <algorithm>
#include <array>

namespace hv::pv {

namespace {

constexpr uint64_t vmmcall_bytes = 3;
constexpr uint64_t rflags_if = 1 << 9;

// What the stub had pushed when it gave up: rcx, r11, [error,] rip, cs, ...
void end_without_handler(domain::Vcpu& v, std::string_view why) {
    std::array<uint64_t, 8> frame{};
    TextOf<300> text;
    text.put(why).put("; stack");
    if (domain::copy_from_guest(v, std::as_writable_bytes(std::span{frame}),
                                GuestVaddr{v.registers.rsp})
            .ok()) {
        for (const uint64_t word : frame) {
            text.put(" ").hex(word);
        }
    }
    hvm::end_with_registers(v, domain::End::Crash, text.view());
}

}  // namespace

bool handle_stub_op(domain::Vcpu& v) {
    switch (v.registers.rax) {
        case STUB_OP_LOOK:
            break;  // the next entry offers what is pending
        case STUB_OP_WRITE_FAULT:
            v.registers.rax = uint64_t{mend_write_fault(v, GuestVaddr{v.vmcb->save().cr2})};
            break;
        case STUB_OP_NO_HANDLER:
            end_without_handler(v, "an exception or event that the PV kernel has no handler for");
            return true;
        case STUB_OP_DOUBLE_FAULT:
            end_without_handler(v, "a double fault in a PV kernel");
            return true;
        default:
            return false;
    }
    hvm::skip(v, vmmcall_bytes);
    return true;
}

bool handle_undefined_opcode(domain::Vcpu& v) {
    constexpr std::array<uint8_t, 2> cpuid = {0x0f, 0xa2};
    std::array<uint8_t, sizeof(abi::xen_emulate_prefix) + cpuid.size()> code{};
    const bool is_read = domain::copy_from_guest(v, std::as_writable_bytes(std::span{code}),
                                                 GuestVaddr{v.vmcb->save().rip})
                             .ok();
    const auto* prefix_end = std::begin(abi::xen_emulate_prefix) + sizeof(abi::xen_emulate_prefix);
    if (is_read && std::equal(std::begin(abi::xen_emulate_prefix), prefix_end, code.begin()) &&
        std::equal(cpuid.begin(), cpuid.end(), code.begin() + sizeof(abi::xen_emulate_prefix))) {
        v.vmcb->save().rip += sizeof(abi::xen_emulate_prefix);
        return true;
    }
    svm::inject_exception(*v.vmcb, svm::Exception::UD);
    return false;
}

void restore_interrupt_flag(domain::Vcpu& v) {
    svm::VmcbSave& save = v.vmcb->save();
    if ((save.rflags & rflags_if) == 0 && !is_in_stub(save.rip)) {
        save.rflags |= rflags_if;
    }
    // A CR4.PGE other than the host's makes every exit of the emulated machine slower, and no entry
    // of the guest is global.
    const Register<x86::Cr4> cr4{save.cr4};
    if (!cr4.get(x86::Cr4::PGE)) {
        save.cr4 = cr4.with(x86::Cr4::PGE, true).raw();
        v.vmcb->changed(svm::Clean::ControlRegisters);
    }
}

}  // namespace hv::pv
