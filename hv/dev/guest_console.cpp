// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/guest_console.hpp"

#include "hv/abi/uart_frame.hpp"
#include "hv/base/text.hpp"
#include "hv/dev/uart.hpp"
#include "hv/dev/uart_input.hpp"

namespace hv::dev {

bool write_guest_console(DomainId source, uint8_t channel, std::span<const char> text,
                         UartSender sender) {
    return uart_offer_frame(static_cast<uint8_t>(source.value()), channel, text, sender);
}

void tell_console_room(DomainId domain, uint8_t channel, uint16_t bytes) {
    TextOf<abi::uart_room_bytes> text;
    text.hex(static_cast<uint8_t>(domain.value()), 2).hex(channel, 1).hex(bytes, 4);
    uart_write_frame(static_cast<uint8_t>(abi::UartSource::Room), text.view());
}

size_t read_host_input(std::span<char> to) {
    return uart_read_input(to);
}

}  // namespace hv::dev
