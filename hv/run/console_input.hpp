// SPDX-License-Identifier: Apache-2.0
// What the host types, on its way to the console service: the run loop's part of it.
#pragma once

namespace hv::run {

// After the UART's interrupt: takes what came, and tells the console service. Otherwise nothing.
void serve_console_input();

}  // namespace hv::run
