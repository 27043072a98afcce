// SPDX-License-Identifier: Apache-2.0
// console_io(cmd, count, buffer): text to the machine's console, under the domain's own id; the
// console service also sends what it drained from others' rings (hv/abi/service_plan.hpp).
#include "hv/abi/service_plan.hpp"
#include "hv/abi/xen_console.hpp"
#include "hv/dev/guest_console.hpp"
#include "hv/hypercall/handlers.hpp"

#include <algorithm>
#include <array>

namespace hv::hypercall {

namespace {

constexpr uint32_t bytes_at_a_time = 512;

// Sends the first bytes; args[1] (count in its low half) and args[2] then stand for the rest.
Answer write_text(Call& call, DomainId source) {
    const auto count = static_cast<uint32_t>(call.args[1]);
    std::array<char, bytes_at_a_time> buffer;
    const auto text = std::span{buffer}.first(std::min(count, bytes_at_a_time));
    TRY(edge(domain::copy_from_guest(call.vcpu, std::as_writable_bytes(text), call.pointer(2))));
    dev::write_guest_console(source, text);
    if (text.size() < count) {
        call.args[1] -= text.size();
        call.args[2] += text.size();
        return again();
    }
    return 0;
}

Answer write_for(Call& call) {
    if (!call.domain().roles.has(launch::Role::Console)) {
        return fail(Errno::XEN_EPERM);
    }
    const auto source = static_cast<uint16_t>(call.args[1] >> 32);
    if (call.args[1] >> 48 != 0 || domain::find(DomainId{source}) == nullptr) {
        return fail(Errno::XEN_ESRCH);
    }
    return write_text(call, DomainId{source});
}

}  // namespace

Answer console_io(Call& call) {
    const auto cmd = static_cast<uint32_t>(call.args[0]);
    if (cmd == abi::consoleio_write_for) {
        return write_for(call);
    }
    switch (static_cast<abi::ConsoleIo>(cmd)) {
        case abi::ConsoleIo::CONSOLEIO_write:
            // Xen takes a count of 32 bits; anything above would become a domain id here.
            call.args[1] = static_cast<uint32_t>(call.args[1]);
            return write_text(call, call.domain().id);
        case abi::ConsoleIo::CONSOLEIO_read:
            return fail(Errno::XEN_EPERM);
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
