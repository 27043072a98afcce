// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/log.hpp"

#include "hv/abi/uart_frame.hpp"
#include "hv/base/assert.hpp"
#include "hv/dev/clock.hpp"
#include "hv/dev/power.hpp"
#include "hv/dev/uart.hpp"
#include "hv/x86/apic.hpp"
#include "hv/x86/instructions.hpp"

#include <atomic>

namespace hv {

void panic(const char* file, int line, const char* what) {
    TextOf<256> text;
    text.put("panic: ").put(what).put(" at ").put(file).put(':').dec(static_cast<uint64_t>(line));
    dev::stop(text.view());
}

}  // namespace hv

namespace std {
// What _GLIBCXX_ASSERTIONS calls: a broken bound in span, array or optional.
__attribute__((noreturn)) void __glibcxx_assert_fail(const char* file, int line, const char*,
                                                     const char* condition) noexcept {
    hv::panic(file, line, condition);
}
}  // namespace std

namespace hv::dev {

namespace {
constinit std::atomic<bool> stopping{false};

bool is_plain(char c) {
    return c > ' ' && c <= '~' && c != '%';
}
}  // namespace

void log(std::string_view line) {
    TextOf<640> text;
    text.put(line).put('\n');
    uart_write_frame(static_cast<uint8_t>(abi::UartSource::Hypervisor), text.view());
}

Record::Record(std::string_view event) {
    text_.put("t_ns=").dec(system_time_ns()).put(" event=").put(event);
}

Record::~Record() {
    text_.put('\n');
    uart_write_frame(static_cast<uint8_t>(abi::UartSource::Record), text_.view());
}

Record& Record::with(std::string_view key, uint64_t value) {
    text_.put(' ').put(key).put('=').dec(value);
    return *this;
}

Record& Record::with(std::string_view key, std::string_view value) {
    text_.put(' ').put(key).put('=');
    for (const char c : value) {
        if (is_plain(c)) {
            text_.put(c);
        } else {
            text_.put('%').hex(static_cast<uint8_t>(c), 2);
        }
    }
    return *this;
}

void write_record_line(std::string_view line) {
    TextOf<640> text;
    text.put("t_ns=").dec(system_time_ns()).put(' ');
    for (const char c : line) {
        text.put(c >= ' ' && c <= '~' ? c : '?');
    }
    text.put('\n');
    uart_write_frame(static_cast<uint8_t>(abi::UartSource::Record), text.view());
}

void stop(std::string_view message) {
    x86::cli();
    if (stopping.exchange(true)) {
        x86::halt_forever();  // another CPU is already writing its last words
    }
    uart_break_lock();
    x86::apic_send_nmi_to_others();
    uart_flush();  // so that there is room for what follows
    log(message);
    Record{"fault"}.with("text", message);
    power_off(MachineStatus::Failed);
}

bool is_stopping() {
    return stopping.load(std::memory_order_relaxed);
}

}  // namespace hv::dev
