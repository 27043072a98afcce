// SPDX-License-Identifier: Apache-2.0
// console_io(cmd, count, buffer): text to the machine's console, under the domain's own id; the
// console service also sends what it drained from others' rings (hv/abi/service_plan.hpp).
#include "hv/abi/service_plan.hpp"
#include "hv/abi/uart_frame.hpp"
#include "hv/abi/xen_console.hpp"
#include "hv/dev/guest_console.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/sched/sched.hpp"

#include <algorithm>
#include <array>

namespace hv::hypercall {

namespace {

constexpr uint32_t bytes_at_a_time = 512;

dev::UartSender sender_of(const launch::Roles& roles) {
    using launch::Role;
    const bool is_service =
        roles.has(Role::Console) || roles.has(Role::Launcher) || roles.has(Role::Xenstore);
    return is_service ? dev::UartSender::Service : dev::UartSender::Guest;
}

// Sends the first bytes; args[1] (count in its low half) and args[2] then stand for the rest.
Answer write_text(Call& call, DomainId source, uint8_t channel) {
    const auto count = static_cast<uint32_t>(call.args[1]);
    std::array<char, bytes_at_a_time> buffer;
    const auto text = std::span{buffer}.first(std::min(count, bytes_at_a_time));
    TRY(edge(domain::copy_from_guest(call.vcpu, std::as_writable_bytes(text), call.pointer(2))));
    if (!dev::write_guest_console(source, channel, text, sender_of(call.domain().roles))) {
        sched::yield_current();
        return again();
    }
    if (text.size() < count) {
        call.args[1] -= text.size();
        call.args[2] += text.size();
        return again();
    }
    return 0;
}

// On behalf of whom the console service calls: domain and channel above the count.
struct Served {
    DomainId domain;
    uint8_t channel;
};

Result<Served, Errno> served_by(const Call& call) {
    if (!call.domain().roles.has(launch::Role::Console)) {
        return Err{Errno::XEN_EPERM};
    }
    const uint64_t channel = call.args[1] >> 48;
    const DomainId domain{static_cast<uint16_t>(call.args[1] >> 32)};
    if (channel > abi::uart_frame_max_channel) {
        return Err{Errno::XEN_EINVAL};
    }
    if (domain::find(domain) == nullptr) {
        return Err{Errno::XEN_ESRCH};
    }
    return Served{domain, static_cast<uint8_t>(channel)};
}

Answer write_for(Call& call) {
    const Served served = TRY(served_by(call));
    return write_text(call, served.domain, served.channel);
}

Answer tell_room(const Call& call) {
    const Served served = TRY(served_by(call));
    const auto count = static_cast<uint32_t>(call.args[1]);
    if (count > abi::uart_frame_max_payload) {
        return fail(Errno::XEN_EINVAL);
    }
    dev::tell_console_room(served.domain, served.channel, static_cast<uint16_t>(count));
    return 0;
}

// What the host sent, for the console service to take apart.
Answer read_input(const Call& call) {
    if (!call.domain().roles.has(launch::Role::Console)) {
        return fail(Errno::XEN_EPERM);
    }
    std::array<char, bytes_at_a_time> buffer;
    const auto wanted =
        std::span{buffer}.first(std::min(static_cast<uint32_t>(call.args[1]), bytes_at_a_time));
    const size_t count = dev::read_host_input(wanted);
    TRY(edge(
        domain::copy_to_guest(call.vcpu, call.pointer(2), std::as_bytes(wanted.first(count)))));
    return count;
}

}  // namespace

Answer console_io(Call& call) {
    const auto cmd = static_cast<uint32_t>(call.args[0]);
    if (cmd == abi::consoleio_write_for) {
        return write_for(call);
    }
    if (cmd == abi::consoleio_room_for) {
        return tell_room(call);
    }
    switch (static_cast<abi::ConsoleIo>(cmd)) {
        case abi::ConsoleIo::CONSOLEIO_write:
            // Xen takes a count of 32 bits; anything above would become a domain id here.
            call.args[1] = static_cast<uint32_t>(call.args[1]);
            return write_text(call, call.domain().id, 0);
        case abi::ConsoleIo::CONSOLEIO_read:
            return read_input(call);
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
