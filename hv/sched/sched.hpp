// SPDX-License-Identifier: Apache-2.0
// The scheduler: one run queue for all CPUs ordered by virtual run time, block and wake, and each
// CPU's list of one-shot timers. Blocked vCPUs cost nothing; a CPU with nothing to run halts.
// Used by the handlers (upper half below) and by the run loop of hv/hvm (lower half).
#pragma once

#include "hv/domain/vcpu.hpp"

#include <cstdint>

namespace hv::sched {

inline constexpr uint64_t slice_ns = 10'000'000;

// Makes a Blocked vCPU Runnable; a Running one leaves the guest soon so that it sees what is
// pending. Anything else is left alone. Callable with any lock but the scheduler's held.
void wake(domain::Vcpu& vcpu);

// For handlers of the current vCPU: when the handler returns, the vCPU blocks until wake(), unless
// one came in between; or it gives way to others and stays Runnable.
void block_current();
// The same with interrupts off: what is pending for the vCPU does not keep it from blocking.
void halt_current();
void yield_current();
// Wakes that came so far do not keep the current vCPU from blocking: it looks for what it waits for
// after this call.
void forget_wakes();

// Brings a vCPU into or out of the set that may run (VCPUOP_up/down, start, end); nobody else
// changes Vcpu::is_up. Taking a vCPU offline that runs on another CPU only asks it to leave; see
// is_offline. A vCPU of a domain that has ended stays offline.
void set_online(domain::Vcpu& vcpu, bool online);
bool is_offline(const domain::Vcpu& vcpu);
bool is_blocked(const domain::Vcpu& vcpu);

// Arm or disarm (deadline 0) the vCPU's timers; system time. Only for the current vCPU.
void set_singleshot_timer(domain::Vcpu& vcpu, uint64_t deadline_ns);
void set_poll_timer(domain::Vcpu& vcpu, uint64_t deadline_ns);
void set_lapic_timer(domain::Vcpu& vcpu, uint64_t deadline_ns);

// The current vCPU leaves its guest soon after its next entry, whatever happens there.
void look_again_soon();

// System time: nanoseconds since boot, the time base of every pvclock.
uint64_t now_ns();

// ---- For the run loop ----

// Prepares a vCPU's entity; once, at creation.
void init(domain::Vcpu& vcpu);
// No vCPU runs on CPU 0 from now on. Before any is prepared; there is another CPU.
void spare_boot_cpu();

// The vCPU that `cpu` is to run now, which becomes Running; nullptr: nothing to do, halt until the
// next interrupt. The CPU counts as idle until its next call.
domain::Vcpu* pick(CpuId cpu);
// Whether anything has changed for this CPU since it last asked: a vCPU became runnable, a timer
// was set, a vCPU was taken offline. Without that, and without an interrupt, the functions below
// would answer what they answered before: most exits need none of them.
bool has_news(CpuId cpu);

// Whether the running vCPU should give way: its slice is over and somebody waits, somebody waits
// who has had less, or it was taken offline.
bool should_leave(CpuId cpu, const domain::Vcpu& running);
// The vCPU leaves the CPU. It stays Runnable unless it asked to block and nothing woke it, or it
// was taken offline.
void leave(domain::Vcpu& vcpu, bool has_pending_interrupt);
// Whether the vCPU asked to block and nothing woke it meanwhile; the wake is used up.
bool take_block_request(domain::Vcpu& vcpu, bool has_pending_interrupt);

// Removes and returns one expired timer of this CPU, nullptr when there is none left.
Timer* pop_expired(CpuId cpu, uint64_t now);
// When this CPU must look again: its earliest timer or, while others wait, the end of the running
// vCPU's slice. 0: never. Of look_again_soon() it tells once.
uint64_t next_deadline(CpuId cpu);

// Provided by hv/x86 in the hypervisor and by the fake in tests: makes a CPU leave its guest or its
// halt and look at its work.
void kick_cpu(CpuId cpu);

}  // namespace hv::sched
