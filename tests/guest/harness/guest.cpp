// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/harness/guest.hpp"

#include "domb/rt/clock.hpp"
#include "domb/rt/main.hpp"
#include "domb/rt/platform.hpp"

#include <algorithm>
#include <optional>

namespace guest {
namespace {

[[noreturn]] void end(std::string_view verdict, std::string_view reason) {
    hv::TextOf<256> line;
    line.put("RESULT ").put(verdict);
    if (!reason.empty()) {
        line.put(' ').put(reason);
    }
    rt::write(line.put('\n').view());
    rt::shutdown(rt::ShutdownReason::SHUTDOWN_poweroff);
}

std::optional<uint64_t> number(std::string_view digits) {
    uint64_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        value = value * 10 + static_cast<uint64_t>(c - '0');
    }
    return digits.empty() ? std::nullopt : std::optional{value};
}

}  // namespace

void pass() {
    end("pass", {});
}
void skip(std::string_view reason) {
    end("skip", reason);
}
void error(std::string_view reason) {
    end("error", reason);
}
void fail(std::string_view reason) {
    end("fail", reason);
}
void fail(std::string_view reason, uint64_t value) {
    hv::TextOf<200> text;
    end("fail", text.put(reason).put(" 0x").hex(value).view());
}

uint64_t option(const rt::StartInfo& info, std::string_view key, uint64_t otherwise) {
    const std::string_view line = info.command_line();
    for (const char* at = line.begin(); at < line.end();) {
        const char* end = std::find(at, line.end(), ' ');
        std::string_view word{at, end};
        if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == '=') {
            word.remove_prefix(key.size() + 1);
            const auto value = number(word);
            if (!value) {
                error("an option is not a number");
            }
            return *value;
        }
        at = end + 1;
    }
    return otherwise;
}

void print(std::string_view text) {
    rt::write(text);
}

uint64_t now_ns() {
    static constinit std::optional<rt::TscClock> clock{};
    if (!clock) {
        clock.emplace();
    }
    return clock->now_ns();
}

}  // namespace guest

void rt::domain_main(uint64_t start_info) {
    guest::run(StartInfo{start_info});
    guest::pass();
}
