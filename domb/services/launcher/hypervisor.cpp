// SPDX-License-Identifier: Apache-2.0
#include "domb/services/launcher/hypervisor.hpp"

#include "domb/rt/hypercall.hpp"
#include "domb/services/launcher/plan.hpp"
#include "hv/abi/xen_domctl.hpp"
#include "hv/base/text.hpp"

#include <algorithm>

namespace launcher {
namespace {

using hv::abi::Domctl;
using hv::abi::LaunchFate;
using hv::abi::LaunchOp;
using hv::abi::LaunchState;

int64_t launch_op(LaunchOp operation, const void* argument) {
    return rt::hypercall_raw(hv::abi::hypercall_launch_op, static_cast<uint64_t>(operation),
                             rt::to_argument(argument), 0, 0);
}

int64_t domctl(Domctl command, hv::DomainId domain) {
    hv::abi::DomctlHead argument{.cmd = static_cast<uint32_t>(command),
                                 .interface_version = hv::abi::XEN_DOMCTL_INTERFACE_VERSION,
                                 .domain = domain.value(),
                                 .pad = {}};
    return rt::hypercall(rt::Hypercall::domctl, &argument);
}

}  // namespace

LaunchFate fate_of(hv::DomainId domain) {
    LaunchFate fate{};
    fate.domid = domain.value();
    const int64_t status = launch_op(LaunchOp::GetFate, &fate);
    if (status != 0) {
        fate.state = LaunchState::Refused;
        hv::TextOf<sizeof(fate.reason) - 1> why;
        why.put("nobody knows it: error ").dec(static_cast<uint64_t>(-status));
        std::copy(why.view().begin(), why.view().end(), fate.reason);
    }
    return fate;
}

hv::Result<void, StartError> start(hv::DomainId domain) {
    const int64_t status = domctl(Domctl::XEN_DOMCTL_unpausedomain, domain);
    if (status != 0) {
        return hv::Err{StartError{status}};
    }
    return hv::Ok{};
}

void end(hv::DomainId domain) {
    // One that has ended meanwhile needs no end.
    domctl(Domctl::XEN_DOMCTL_destroydomain, domain);
}

int64_t recover(std::string_view reason) {
    const hv::abi::LaunchRecovery argument{.reason = rt::to_argument(reason.data()),
                                           .bytes = static_cast<uint32_t>(reason.size()),
                                           .pad = 0};
    return launch_op(LaunchOp::Recover, &argument);
}

void record(std::string_view line) {
    const hv::abi::LaunchRecord argument{.text = rt::to_argument(line.data()),
                                         .bytes = static_cast<uint32_t>(line.size()),
                                         .pad = 0};
    // A record that is not taken is no reason to start a domain later.
    launch_op(LaunchOp::Record, &argument);
}

}  // namespace launcher
