// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/fake_sched.hpp"

#include "hv/base/assert.hpp"
#include "hv/sched/sched.hpp"

namespace {

FakeSched* installed = nullptr;

FakeSched& fake() {
    ASSERT(installed != nullptr);
    return *installed;
}

void arm(std::map<const hv::domain::Vcpu*, uint64_t>& timers, hv::domain::Vcpu& vcpu,
         uint64_t deadline_ns) {
    if (deadline_ns == 0) {
        timers.erase(&vcpu);
    } else {
        timers[&vcpu] = deadline_ns;
    }
}

}  // namespace

FakeSched::FakeSched() {
    ASSERT(installed == nullptr);
    installed = this;
}
FakeSched::~FakeSched() {
    installed = nullptr;
}

namespace hv::sched {

void wake(domain::Vcpu& vcpu) {
    fake().woken.insert(&vcpu);
}
bool is_blocked(const domain::Vcpu&) {
    return true;
}
void block_current() {
    fake().is_blocking = true;
}
void halt_current() {
    fake().is_halting = true;
}
void look_again_soon() {
    fake().is_looking_again = true;
}
void forget_wakes() {
    fake().woken.clear();
}
void yield_current() {
    fake().is_yielding = true;
}
void set_online(domain::Vcpu& vcpu, bool online) {
    vcpu.is_up = online;
    fake().online[&vcpu] = online;
}
void set_singleshot_timer(domain::Vcpu& vcpu, uint64_t deadline_ns) {
    arm(fake().singleshot_ns, vcpu, deadline_ns);
}
void set_poll_timer(domain::Vcpu& vcpu, uint64_t deadline_ns) {
    arm(fake().poll_ns, vcpu, deadline_ns);
}
void set_lapic_timer(domain::Vcpu& vcpu, uint64_t deadline_ns) {
    arm(fake().lapic_ns, vcpu, deadline_ns);
}
uint64_t now_ns() {
    return fake().now_ns += fake().ns_per_look;
}

}  // namespace hv::sched
