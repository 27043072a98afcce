// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/guest_console.hpp"

#include "hv/dev/uart.hpp"

namespace hv::dev {

void write_guest_console(DomainId source, std::span<const char> text) {
    uart_write_frame(static_cast<uint8_t>(source.value()), text);
}

}  // namespace hv::dev
