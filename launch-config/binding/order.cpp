// SPDX-License-Identifier: Apache-2.0
#include "launch-config/binding/order.hpp"

#include <algorithm>

namespace launch {
namespace {

constexpr bool is_path_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '@' || c == '/';
}

}  // namespace

bool is_ready_path(std::string_view s) {
    constexpr std::string_view own = "data";  // of a domain's home the part that it may write
    return s.size() <= max_ready_path_bytes && (s == own || s.starts_with("data/")) &&
           std::all_of(s.begin(), s.end(), is_path_character) && s.find("//") == s.npos &&
           !s.ends_with('/');
}

bool is_ready_text(std::string_view s) {
    return s.size() <= max_ready_text_bytes &&
           std::all_of(s.begin(), s.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

std::string_view to_string(ReadyWhen when) {
    switch (when) {
        case ReadyWhen::Started:
            return "started";
        case ReadyWhen::Serving:
            return "serving";
        case ReadyWhen::Connected:
            return "connected";
        case ReadyWhen::Xenstore:
            return "xenstore";
        case ReadyWhen::Console:
            return "console";
    }
    return "?";
}

std::string_view to_string(Policy policy) {
    switch (policy) {
        case Policy::Ignore:
            return "ignore";
        case Policy::Halt:
            return "halt";
        case Policy::Recovery:
            return "recovery";
    }
    return "?";
}

}  // namespace launch
