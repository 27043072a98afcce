// SPDX-License-Identifier: Apache-2.0
// A launcher that does what it may not, then what it may. Its machine has one domain that is held
// for each of the roles below, by name, and a neighbour that runs until they meet:
//     late     is started, and may end at once        never    is decided against
//     rescue   the recovery domain, started with a reason
// With `rescue` on its command line the guest is that domain, and looks for the reason; with
// `unmeasured` it is the one that starts when nothing could be measured.
#include "domb/rt/hypercall.hpp"
#include "domb/rt/instructions.hpp"
#include "hv/abi/launch_op.hpp"
#include "hv/abi/launcher_plan.hpp"
#include "hv/abi/xen_domctl.hpp"
#include "hv/abi/xen_errno.hpp"
#include "hv/abi/xen_sched.hpp"
#include "tests/guest/harness/guest.hpp"
#include "tests/guest/harness/meeting.hpp"

#include <array>
#include <cstring>

namespace {

using hv::abi::Domctl;
using hv::abi::DomctlHead;
using hv::abi::Errno;
using hv::abi::LaunchFate;
using hv::abi::LaunchOp;
using hv::abi::LaunchState;
using rt::Hypercall;

constexpr std::string_view reason = "the test wants it";
constexpr uint64_t nowhere = uint64_t{1} << 38;

int64_t minus(Errno error) {
    return -static_cast<int64_t>(error);
}

void must_be(std::string_view what, int64_t result, int64_t expected) {
    if (result != expected) {
        hv::TextOf<120> text;
        guest::fail(text.put(what).put(" gives").view(), static_cast<uint64_t>(result));
    }
}

int64_t order(Domctl command, uint16_t domid,
              uint32_t version = hv::abi::XEN_DOMCTL_INTERFACE_VERSION) {
    const DomctlHead head{.cmd = static_cast<uint32_t>(command),
                          .interface_version = version,
                          .domain = domid,
                          .pad = {}};
    return rt::hypercall(Hypercall::domctl, &head);
}

int64_t launch_op(LaunchOp operation, const void* argument) {
    return rt::hypercall(Hypercall::arch_7, operation, argument);
}

LaunchFate fate_of(uint16_t domid) {
    LaunchFate fate{};
    fate.domid = domid;
    must_be("fate of a domain", launch_op(LaunchOp::GetFate, &fate), 0);
    return fate;
}

int64_t record(std::string_view line) {
    const hv::abi::LaunchRecord argument{rt::to_argument(line.data()),
                                         static_cast<uint32_t>(line.size()), 0};
    return launch_op(LaunchOp::Record, &argument);
}

int64_t recover(uint64_t at, uint32_t bytes) {
    const hv::abi::LaunchRecovery argument{at, bytes, 0};
    return launch_op(LaunchOp::Recover, &argument);
}

// By the plan, which is the last module.
uint16_t domid_of(const rt::StartInfo& info, std::string_view name) {
    const auto module = info.module(info.module_count() - 1);
    hv::abi::LauncherPlan plan{};
    memcpy(&plan, module.data(), sizeof(plan));
    if (plan.magic != hv::abi::launcher_plan_magic) {
        guest::fail("no plan");
    }
    for (uint32_t i = 0; i < plan.count; ++i) {
        hv::abi::LauncherPlanEntry entry{};
        memcpy(&entry, module.data() + sizeof(plan) + i * sizeof(entry), sizeof(entry));
        if (entry.name[name.size()] == '\0' && std::string_view{entry.name, name.size()} == name) {
            return entry.domid;
        }
    }
    guest::error("a domain of the test is missing");
}

void try_nobody() {
    for (const uint16_t domid : std::array<uint16_t, 6>{0, 0xef, 0x7fe0, 0x7ff0, 0x7ff4, 0xffff}) {
        must_be("start of nobody", order(Domctl::XEN_DOMCTL_unpausedomain, domid),
                minus(Errno::XEN_ESRCH));
        must_be("end of nobody", order(Domctl::XEN_DOMCTL_destroydomain, domid),
                minus(Errno::XEN_ESRCH));
        LaunchFate fate{};
        fate.domid = domid;
        must_be("fate of nobody", launch_op(LaunchOp::GetFate, &fate), minus(Errno::XEN_ESRCH));
    }
}

// Itself, somebody who runs already, the recovery domain; operations that are others'.
void try_too_much(uint16_t self, uint16_t neighbour, uint16_t rescue) {
    must_be("end of itself", order(Domctl::XEN_DOMCTL_destroydomain, self),
            minus(Errno::XEN_EINVAL));
    for (const uint16_t domid : {self, neighbour, rescue}) {
        must_be("start of what is not held", order(Domctl::XEN_DOMCTL_unpausedomain, domid),
                minus(Errno::XEN_EINVAL));
        must_be("another version", order(Domctl::XEN_DOMCTL_destroydomain, domid, 0x14),
                minus(Errno::XEN_EACCES));
        for (const uint32_t command : {1U, 3U, 5U, 7U, 25U, 90U}) {
            must_be("another domctl", order(static_cast<Domctl>(command), domid),
                    minus(Errno::XEN_EPERM));
        }
    }
    static constinit hv::abi::LaunchInfo info{};
    for (const LaunchOp operation : {LaunchOp::GetInfo, LaunchOp::SetVcpu, LaunchOp::Built,
                                     LaunchOp::Cap, LaunchOp::SetPvVcpu}) {
        must_be("the builder's operation", launch_op(operation, &info), minus(Errno::XEN_EPERM));
    }
}

void try_bad_arguments() {
    for (const LaunchOp operation : {LaunchOp::GetFate, LaunchOp::Recover, LaunchOp::Record}) {
        must_be("a pointer to nowhere", rt::hypercall(Hypercall::arch_7, operation, nowhere),
                minus(Errno::XEN_EFAULT));
    }
    must_be("a domctl at nowhere", rt::hypercall(Hypercall::domctl, nowhere),
            minus(Errno::XEN_EFAULT));
    must_be("a reason at nowhere", recover(nowhere, 1), minus(Errno::XEN_EFAULT));
    must_be("a reason too long", recover(nowhere, 513), minus(Errno::XEN_E2BIG));
    must_be("hv's line", record("event=machine-off status=ok"), minus(Errno::XEN_EINVAL));
    must_be("hv's line", record("event=domain-ended domid=1 name=x how=poweroff expected=yes"),
            minus(Errno::XEN_EINVAL));
    must_be("two lines", record("event=domain-ready domid=1 name=x\nt_ns=1 event=y"), 0);
}

void launch(const rt::StartInfo& info) {
    const uint16_t late = domid_of(info, "late");
    const uint16_t never = domid_of(info, "never");
    const uint16_t rescue = domid_of(info, "rescue");
    try_nobody();
    const uint16_t neighbour = domid_of(info, "neighbour");
    try_too_much(static_cast<uint16_t>(rt::cpuid(0x40000004).ecx), neighbour, rescue);
    rt::EventChannels events = rt::EventChannels::start();
    guest::meet(events, hv::DomainId{neighbour});
    try_bad_arguments();
    if (fate_of(late).state != LaunchState::Held || fate_of(rescue).state != LaunchState::Held) {
        guest::fail("a held domain runs");
    }
    must_be("start", order(Domctl::XEN_DOMCTL_unpausedomain, late), 0);
    const int64_t again = order(Domctl::XEN_DOMCTL_unpausedomain, late);
    if (again != minus(Errno::XEN_ESRCH) || fate_of(late).state != LaunchState::Ended) {
        must_be("a second start", again, minus(Errno::XEN_EINVAL));
    }
    must_be("end of what is held", order(Domctl::XEN_DOMCTL_destroydomain, never), 0);
    while (fate_of(never).state != LaunchState::Ended) {
        rt::hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_yield, uint64_t{0});
    }
    must_be("a second end", order(Domctl::XEN_DOMCTL_destroydomain, never),
            minus(Errno::XEN_ESRCH));
    must_be("start of what has ended", order(Domctl::XEN_DOMCTL_unpausedomain, never),
            minus(Errno::XEN_ESRCH));
    must_be("recovery", recover(rt::to_argument(reason.data()), reason.size()), 0);
    must_be("a second recovery", recover(rt::to_argument(reason.data()), reason.size()),
            minus(Errno::XEN_EINVAL));
}

void look_for(const rt::StartInfo& info, std::string_view wanted) {
    const auto module = info.module(info.module_count() - 1);
    const std::string_view text{reinterpret_cast<const char*>(module.data()), module.size()};
    if (rt::to_argument(module.data()) != hv::abi::recovery_reason_gpaddr ||
        !text.starts_with(wanted) || text[wanted.size()] != '\0') {
        guest::fail("no reason");
    }
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    if (info.command_line() == "rescue") {
        look_for(info, reason);
    } else if (info.command_line() == "unmeasured") {
        look_for(info, "measurement is required and has failed");
    } else {
        launch(info);
    }
}
