// SPDX-License-Identifier: Apache-2.0
#include "hv/launch/launch_op.hpp"

#include "hv/abi/launch_op.hpp"
#include "hv/dev/log.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/guest_copy.hpp"
#include "hv/launch/builder.hpp"
#include "hv/launch/measurement.hpp"
#include "hv/launch/order.hpp"
#include "hv/launch/phase.hpp"
#include "hv/pv/start.hpp"
#include "hv/svm/svm.hpp"

#include <algorithm>
#include <array>

namespace hv::hyperlaunch {

namespace {

using abi::Errno;
using Answer = Result<uint64_t, Errno>;

template <class T>
Result<T, Errno> read_argument(const domain::Vcpu& caller, GuestVaddr at) {
    auto read = domain::read_guest<T>(caller, at);
    if (!read.ok()) {
        return Err{Errno::XEN_EFAULT};
    }
    return read.take();
}

// A domain of the plan that is still being built; never domB itself.
Result<domain::Domain*, Errno> under_construction(uint32_t domid) {
    domain::Domain* d =
        domid > 0xffff ? nullptr : domain::find(DomainId{static_cast<uint16_t>(domid)});
    if (d == nullptr || d->is_builder) {
        return Err{Errno::XEN_ESRCH};
    }
    if (d->state != domain::State::UnderConstruction) {
        return Err{Errno::XEN_EBUSY};
    }
    return d;
}

Answer get_info(const domain::Vcpu& caller, GuestVaddr at) {
    if (!domain::write_guest(caller, at, builder_info()).ok()) {
        return Err{Errno::XEN_EFAULT};
    }
    return uint64_t{0};
}

Answer set_vcpu(const domain::Vcpu& caller, GuestVaddr at) {
    const auto request = TRY(read_argument<abi::LaunchVcpu>(caller, at));
    domain::Domain& d = *TRY(under_construction(request.domid));
    if (d.pv != nullptr) {
        return Err{Errno::XEN_EINVAL};
    }
    domain::Vcpu& v = *d.vcpus[0];
    svm::set_flat32_state(*v.vmcb, v.registers, request.eip, request.ebx);
    v.is_initialised = true;
    return uint64_t{0};
}

Answer set_pv_vcpu(const domain::Vcpu& caller, GuestVaddr at) {
    const auto request = TRY(read_argument<abi::LaunchPvVcpu>(caller, at));
    domain::Domain& d = *TRY(under_construction(request.domid));
    if (d.pv == nullptr || !pv::start_first(d, request).ok()) {
        return Err{Errno::XEN_EINVAL};
    }
    return uint64_t{0};
}

std::string_view text_of(const char (&text)[abi::launch_reason_bytes]) {
    return {text, static_cast<size_t>(std::find(std::begin(text), std::end(text), '\0') - text)};
}

Answer built(const domain::Vcpu& caller, GuestVaddr at) {
    const auto request = TRY(read_argument<abi::LaunchBuilt>(caller, at));
    domain::Domain& d = *TRY(under_construction(request.domid));
    switch (request.outcome) {
        case abi::LaunchOutcome::Ready:
            if (!d.vcpus[0]->is_initialised) {
                return Err{Errno::XEN_EINVAL};
            }
            d.state = domain::State::Built;
            return uint64_t{0};
        case abi::LaunchOutcome::Refused:
            d.state = domain::State::Refused;
            d.fate.put(text_of(request.reason));
            return uint64_t{0};
    }
    return Err{Errno::XEN_EINVAL};
}

Answer cap(domain::Vcpu& caller, GuestVaddr at) {
    const auto request = TRY(read_argument<abi::LaunchCap>(caller, at));
    Measurement& measured = measurement();
    if (request.log_used > measured.log.size() || request.log_used < measured.log_used) {
        return Err{Errno::XEN_EINVAL};
    }
    const bool all_decided =
        std::none_of(domain::all().begin(), domain::all().end(), [](const domain::Domain* d) {
            return !d->is_builder && d->state == domain::State::UnderConstruction;
        });
    if (!all_decided) {
        return Err{Errno::XEN_EBUSY};
    }
    measured.log_used = request.log_used;
    strip_builder(*caller.domain);
    if (!enter_capped(request.measured != 0)) {
        return Err{Errno::XEN_EPERM};
    }
    return uint64_t{0};
}

using Line = std::array<char, 512>;

Result<std::string_view, Errno> read_text(const domain::Vcpu& caller, uint64_t at, uint32_t bytes,
                                          Line& line) {
    if (bytes > line.size()) {
        return Err{Errno::XEN_E2BIG};
    }
    const std::span text{line.data(), bytes};
    if (!domain::copy_from_guest(caller, std::as_writable_bytes(text), GuestVaddr{at}).ok()) {
        return Err{Errno::XEN_EFAULT};
    }
    return std::string_view{text.data(), text.size()};
}

Answer record(const domain::Vcpu& caller, GuestVaddr at) {
    const auto request = TRY(read_argument<abi::LaunchRecord>(caller, at));
    Line line;
    const std::string_view text = TRY(read_text(caller, request.text, request.bytes, line));
    // What only the launcher knows of. It says nothing else in the hypervisor's name.
    constexpr std::array<std::string_view, 3> of_launcher{
        "event=domain-waiting ", "event=domain-ready ", "event=domain-failed "};
    const auto begins = [text](std::string_view event) { return text.starts_with(event); };
    if (!caller.domain->is_builder &&
        std::none_of(of_launcher.begin(), of_launcher.end(), begins)) {
        return Err{Errno::XEN_EINVAL};
    }
    dev::write_record_line(text);
    return uint64_t{0};
}

Answer get_fate(const domain::Vcpu& caller, GuestVaddr at) {
    const auto request = TRY(read_argument<abi::LaunchFate>(caller, at));
    if (!domain::write_guest(caller, at, TRY(fate_of(request.domid))).ok()) {
        return Err{Errno::XEN_EFAULT};
    }
    return uint64_t{0};
}

Answer recover(const domain::Vcpu& caller, GuestVaddr at) {
    const auto request = TRY(read_argument<abi::LaunchRecovery>(caller, at));
    Line line;
    const std::string_view reason = TRY(read_text(caller, request.reason, request.bytes, line));
    TRY(start_recovery(reason));
    return uint64_t{0};
}

Answer handle_launcher(const domain::Vcpu& caller, uint64_t cmd, GuestVaddr argument) {
    switch (static_cast<abi::LaunchOp>(cmd)) {
        case abi::LaunchOp::Record:
            return record(caller, argument);
        case abi::LaunchOp::GetFate:
            return get_fate(caller, argument);
        case abi::LaunchOp::Recover:
            return recover(caller, argument);
        case abi::LaunchOp::GetInfo:
        case abi::LaunchOp::SetVcpu:
        case abi::LaunchOp::SetPvVcpu:
        case abi::LaunchOp::Built:
        case abi::LaunchOp::Cap:
            break;
    }
    return Err{Errno::XEN_EPERM};
}

}  // namespace

Answer handle_launch_op(domain::Vcpu& caller, uint64_t cmd, GuestVaddr argument) {
    if (caller.domain->roles.has(launch::Role::Launcher)) {
        return handle_launcher(caller, cmd, argument);
    }
    if (!caller.domain->is_builder) {
        return Err{Errno::XEN_EPERM};
    }
    if (cmd == static_cast<uint64_t>(abi::LaunchOp::Record)) {
        return record(caller, argument);
    }
    if (phase() != Phase::Prepare) {
        return Err{Errno::XEN_EPERM};
    }
    switch (static_cast<abi::LaunchOp>(cmd)) {
        case abi::LaunchOp::GetInfo:
            return get_info(caller, argument);
        case abi::LaunchOp::SetVcpu:
            return set_vcpu(caller, argument);
        case abi::LaunchOp::SetPvVcpu:
            return set_pv_vcpu(caller, argument);
        case abi::LaunchOp::Built:
            return built(caller, argument);
        case abi::LaunchOp::Cap:
            return cap(caller, argument);
        case abi::LaunchOp::Record:
        case abi::LaunchOp::GetFate:
        case abi::LaunchOp::Recover:
            break;
    }
    return Err{Errno::XEN_ENOSYS};
}

}  // namespace hv::hyperlaunch
