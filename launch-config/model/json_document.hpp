// SPDX-License-Identifier: Apache-2.0
// A JSON text as a tree whose values know where they stand. nlohmann/json reads the text; what it
// does not keep (positions, duplicate keys, order) is kept here.
#pragma once

#include "launch-config/model/diagnostics.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace launch::model {

struct JsonMember;

struct JsonValue {
    enum class Kind : uint8_t { Null, Boolean, Integer, Number, String, Array, Object };
    Kind kind = Kind::Null;
    size_t offset = 0;
    bool boolean = false;
    uint64_t integer = 0;  // Integer: from 0 on; a negative number is a Number
    std::string string{};
    std::vector<JsonValue> items{};
    std::vector<JsonMember> members;  // in the order of the text, each key once

    [[nodiscard]] const JsonValue* find(std::string_view key) const;
};

struct JsonMember {
    std::string key;
    size_t offset = 0;  // of the key
    JsonValue value;
};

// "a string", "an object", for messages.
std::string_view name_of(JsonValue::Kind kind);

// The tree of the diagnostics' text. Nothing when it is not JSON; duplicate keys are reported, and
// the first one stays.
std::optional<JsonValue> parse_json(Diagnostics& diagnostics);

// `pointer` extended by one member or item.
std::string operator/(const std::string& pointer, std::string_view key);
std::string operator/(const std::string& pointer, size_t index);

}  // namespace launch::model
