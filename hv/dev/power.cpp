// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/power.hpp"

#include "hv/dev/log.hpp"
#include "hv/dev/uart.hpp"
#include "hv/x86/instructions.hpp"

#include <string_view>

namespace hv::dev {

namespace {
constinit uint16_t pm1a_control_port = 0;
constinit uint8_t s5_type = 0;

std::string_view to_text(MachineStatus status) {
    switch (status) {
        case MachineStatus::Ok:
            return "ok";
        case MachineStatus::Unexpected:
            return "unexpected";
        case MachineStatus::Failed:
            break;
    }
    return "failed";
}
}  // namespace

void set_power_off_port(uint16_t pm1a_control, uint8_t s5_sleep_type) {
    pm1a_control_port = pm1a_control;
    s5_type = s5_sleep_type;
}

void power_off(MachineStatus status) {
    Record{"machine-off"}.with("status", to_text(status));
    uart_flush();
    if (pm1a_control_port != 0) {
        constexpr uint16_t slp_en = 1 << 13;  // [acpi] 4.8.3.2.1
        x86::outw(pm1a_control_port, static_cast<uint16_t>(s5_type << 10 | slp_en));
    }
    x86::halt_forever();
}

}  // namespace hv::dev
