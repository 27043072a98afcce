// SPDX-License-Identifier: Apache-2.0
// Who, besides the hypervisor, has something to say on the UART.
#pragma once

#include <cstdint>

namespace hv::dev {

enum class UartSender : uint8_t {
    Guest,    // finds room only where a service would find some, too
    Service,  // the console service speaks for all guests, the launcher decides about them
};

}  // namespace hv::dev
