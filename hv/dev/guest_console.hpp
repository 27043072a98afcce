// SPDX-License-Identifier: Apache-2.0
// Text of guests on its way to the UART: early console output (console_io) and what the console
// service drained from the rings; how much of the host's it has room for, and what came of that.
#pragma once

#include "hv/base/address.hpp"
#include "hv/dev/uart_sender.hpp"

#include <span>

namespace hv::dev {

// Sends the bytes, framed, under the domain's id. At most a few hundred bytes at a time. False: the
// UART has no room for them now; whoever writes is to try again, and to let others run until then.
[[nodiscard]] bool write_guest_console(DomainId source, uint8_t channel, std::span<const char> text,
                                       UartSender sender);
// Tells the host that it may send that many bytes more to the domain's channel.
void tell_console_room(DomainId domain, uint8_t channel, uint16_t bytes);
// What the host has sent, as it came: as much as fits; how much that was.
size_t read_host_input(std::span<char> to);

}  // namespace hv::dev
