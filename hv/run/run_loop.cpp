// SPDX-License-Identifier: Apache-2.0
#include "hv/run/run_loop.hpp"

#include "hv/base/assert.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/tlb.hpp"
#include "hv/hvm/interrupts.hpp"
#include "hv/hvm/ipi.hpp"
#include "hv/hypercall/runstate.hpp"
#include "hv/launch/phase.hpp"
#include "hv/run/console_input.hpp"
#include "hv/run/exits.hpp"
#include "hv/run/timers.hpp"
#include "hv/sched/sched.hpp"
#include "hv/svm/svm.hpp"
#include "hv/x86/cpu_local.hpp"
#include "hv/x86/instructions.hpp"

#include <array>

namespace hv::domain {
Vcpu& current() {
    Vcpu* v = x86::this_cpu().current;
    ASSERT(v != nullptr);
    return *v;
}
}  // namespace hv::domain

namespace hv::run {

using namespace hvm;  // this folder is the top of it

namespace {

constinit std::array<const domain::Domain*, x86::max_cpus> last_domain{};

void enter_guest(CpuId cpu, domain::Vcpu& v) {
    x86::CpuLocal& local = x86::this_cpu();
    offer(v);
    if (domain::tlb_enter(cpu, v)) {
        v.vmcb->all_changed();
        v.vmcb->control().tlb_control = svm::tlb_flush_all;
    }
    svm::run(*v.vmcb, v.registers, local.host_vmcb);
    domain::tlb_leave(cpu);
    settle(v);
}

// Whether v stays on the CPU, after an exit that may have changed that.
bool stays(CpuId cpu, domain::Vcpu& v) {
    serve_timers(cpu, &v);
    serve_console_input();
    const auto request = v.sched.request;
    if (request == sched::Request::Block || request == sched::Request::Halt) {
        if (sched::take_block_request(v, has_pending(v))) {
            return false;
        }
        v.sched.request = sched::Request::Continue;
    }
    if (request == sched::Request::Yield || sched::should_leave(cpu, v) || is_reaping_due()) {
        return false;
    }
    look_again_if_due(v);  // a timer may have brought something
    arm_host_timer(cpu);
    return true;
}

// An interrupt is taken on the way out of the guest, whatever the exit was for: the exit code does
// not tell.
bool was_interrupted() {
    bool& flag = x86::this_cpu().was_interrupted;
    const bool was = flag;
    flag = false;
    return was;
}

void run_vcpu(CpuId cpu, domain::Vcpu& v) {
    for (;;) {
        start_if_asked(v);
        if (!v.is_initialised) {
            sched::block_current();  // waits for STARTUP
        } else {
            enter_guest(cpu, v);
            handle_exit(v);
            look_again_if_due(v);
            if (!was_interrupted() && v.sched.request == sched::Request::Continue &&
                !sched::has_news(cpu)) {
                continue;  // the common case: nothing but this vCPU has changed
            }
        }
        if (!stays(cpu, v)) {
            return;
        }
    }
}

// What another domain has trained must not steer this one. [apm2] 3.2.9 (PRED_CMD).
void part_from_last(CpuId cpu, const domain::Domain& next) {
    const domain::Domain*& last = last_domain[cpu.value()];
    if (last != &next) {
        last = &next;
        svm::drop_predictions();
    }
}

void run_one(CpuId cpu, domain::Vcpu& v) {
    x86::this_cpu().current = &v;
    part_from_last(cpu, *v.domain);
    svm::restore(v.processor);
    hypercall::refresh_runstate(v, sched::now_ns());
    serve_timers(cpu, &v);
    look_again_if_due(v);
    arm_host_timer(cpu);
    run_vcpu(cpu, v);
    svm::save(v.processor);
    sched::leave(v, has_pending(v));
    x86::this_cpu().current = nullptr;
}

}  // namespace

void loop(CpuId cpu) {
    for (;;) {
        serve_timers(cpu, nullptr);
        serve_console_input();
        hyperlaunch::reap();
        if (domain::Vcpu* v = sched::pick(cpu)) {
            run_one(cpu, *v);
        } else {
            arm_host_timer(cpu);
            x86::halt_until_interrupt();
        }
    }
}

}  // namespace hv::run
