// SPDX-License-Identifier: Apache-2.0
// Text of guests on its way to the UART: early console output (console_io) and what the console
// service drained from the rings.
#pragma once

#include "hv/base/address.hpp"

#include <span>

namespace hv::dev {

// Sends the bytes, framed, under the domain's id. At most a few hundred bytes at a time.
void write_guest_console(DomainId source, std::span<const char> text);

}  // namespace hv::dev
