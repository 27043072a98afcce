// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/outcome.hpp"

#include "hv/base/text.hpp"
#include "hv/svm/debug_registers.hpp"
#include "hv/svm/events.hpp"
#include "hv/svm/vmcb.hpp"

namespace hv::hvm {

namespace {

constexpr uint64_t rflags_tf = 1 << 8;
constexpr uint64_t rflags_rf = 1 << 16;
constexpr uint64_t dr6_single_step = 1 << 14;

void put_registers(Text& text, const domain::Vcpu& v) {
    const svm::VmcbSave& s = v.vmcb->save();
    const svm::GuestRegisters& r = v.registers;
    text.put(" vcpu ").dec(v.id.value()).put(" rip ").hex(s.rip).put(" cs ").hex(s.cs.selector);
    text.put(" rflags ").hex(s.rflags).put(" rsp ").hex(r.rsp).put(" cr0 ").hex(s.cr0);
    text.put(" cr2 ").hex(s.cr2).put(" cr3 ").hex(s.cr3).put(" cr4 ").hex(s.cr4);
    text.put(" efer ").hex(s.efer).put(" rax ").hex(r.rax).put(" rbx ").hex(r.rbx);
    text.put(" rcx ").hex(r.rcx).put(" rdx ").hex(r.rdx).put(" rsi ").hex(r.rsi);
    text.put(" rdi ").hex(r.rdi).put(" rbp ").hex(r.rbp).put(" r8 ").hex(r.r8);
}

}  // namespace

void end_with_registers(domain::Vcpu& v, domain::End how, std::string_view why) {
    TextOf<512> text;
    text.put(why);
    put_registers(text, v);
    domain::end(*v.domain, how, text.view());
}

void skip(domain::Vcpu& v, uint64_t length) {
    go_on_at(v, v.vmcb->save().rip + length);
}

void go_on_at(domain::Vcpu& v, uint64_t rip) {
    svm::VmcbSave& save = v.vmcb->save();
    save.rip = rip;
    save.rflags &= ~rflags_rf;  // was for this instruction
    v.vmcb->control().int_state &= ~svm::int_shadow;
    if ((save.rflags & rflags_tf) != 0) {
        svm::set_debug_status(*v.vmcb, save.dr6 | dr6_single_step);
        svm::inject_exception(*v.vmcb, svm::Exception::DB);
    }
}

void kill(domain::Vcpu& v, std::string_view why) {
    end_with_registers(v, domain::End::Killed, why);
}

}  // namespace hv::hvm
