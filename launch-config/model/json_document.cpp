// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/json_document.hpp"

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

namespace launch::model {
namespace {

constexpr size_t deepest = 32;

// Receives nlohmann's events in the order of the text and finds each token again in it: what lies
// between two tokens is only space, commas and colons, for the parser has accepted it.
class Builder : public nlohmann::json_sax<nlohmann::json> {
  public:
    explicit Builder(Diagnostics& diagnostics) : diagnostics_{diagnostics} {}

    bool null() override { return add(JsonValue::Kind::Null); }
    bool boolean(bool b) override {
        JsonValue value{.kind = JsonValue::Kind::Boolean};
        value.boolean = b;
        return add(std::move(value));
    }
    bool number_integer(number_integer_t) override { return add(JsonValue::Kind::Number); }
    bool number_unsigned(number_unsigned_t n) override {
        JsonValue value{.kind = JsonValue::Kind::Integer};
        value.integer = n;
        return add(std::move(value));
    }
    bool number_float(number_float_t, const string_t&) override {
        return add(JsonValue::Kind::Number);
    }
    bool string(string_t& s) override {
        JsonValue value{.kind = JsonValue::Kind::String};
        value.string = std::move(s);
        return add(std::move(value));
    }
    bool binary(binary_t&) override { return false; }
    bool start_object(size_t) override { return open(JsonValue::Kind::Object); }
    bool start_array(size_t) override { return open(JsonValue::Kind::Array); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& s) override {
        Level& level = levels_.back();
        level.key = std::move(s);
        level.key_offset = take_token();
        return true;
    }
    bool parse_error(size_t position, const std::string&,
                     const nlohmann::detail::exception& error) override {
        // "[json.exception.parse_error.101] parse error at line 1, column 2: what happened"
        std::string what = error.what();
        if (const size_t at = what.find(": "); at != what.npos) {
            what.erase(0, at + 2);
        }
        diagnostics_.add({position == 0 ? 0 : position - 1, pointer()}, printable(what),
                         "expected JSON text in UTF-8");
        return false;
    }

    std::optional<JsonValue> result() { return std::move(root_); }

  private:
    struct Level {
        JsonValue value;
        std::string key;  // of the member being read
        size_t key_offset = 0;
    };

    std::string pointer() const {
        std::string pointer;
        for (const Level& level : levels_) {
            if (level.value.kind == JsonValue::Kind::Array) {
                pointer = pointer / level.value.items.size();
            } else if (!level.key.empty()) {
                pointer = pointer / level.key;
            }
        }
        return pointer;
    }

    // The offset of the next token, whose end becomes the new cursor.
    size_t take_token() {
        const std::string& text = diagnostics_.text();
        cursor_ = std::min(text.find_first_not_of(" \t\r\n,:", cursor_), text.size());
        const size_t start = cursor_;
        if (start < text.size() && text[start] == '"') {
            ++cursor_;
            while (cursor_ < text.size() && text[cursor_] != '"') {
                cursor_ += text[cursor_] == '\\' ? 2 : 1;
            }
            ++cursor_;
        } else if (start < text.size() && std::string_view{"{}[]"}.find(text[start]) < 4) {
            ++cursor_;
        } else {
            cursor_ = std::min(text.find_first_of(" \t\r\n,:]}", cursor_), text.size());
        }
        return start;
    }

    bool open(JsonValue::Kind kind) {
        JsonValue value{.kind = kind};
        value.offset = take_token();
        levels_.push_back({std::move(value), {}, 0});
        if (levels_.size() > deepest) {
            diagnostics_.add({levels_.back().value.offset, pointer()}, "nested too deeply",
                             "expected at most " + std::to_string(deepest) + " levels");
            return false;
        }
        return true;
    }
    bool close() {
        take_token();
        JsonValue value = std::move(levels_.back().value);
        levels_.pop_back();
        return place(std::move(value));
    }
    bool add(JsonValue::Kind kind) { return add(JsonValue{.kind = kind}); }
    bool add(JsonValue value) {
        value.offset = take_token();
        return place(std::move(value));
    }

    bool place(JsonValue value) {
        if (levels_.empty()) {
            root_ = std::move(value);
            return true;
        }
        Level& level = levels_.back();
        if (level.value.kind == JsonValue::Kind::Array) {
            level.value.items.push_back(std::move(value));
        } else if (level.value.find(level.key) != nullptr) {
            diagnostics_.add({level.key_offset, pointer()},
                             "key " + quote(level.key) + " is there twice", "expected it once");
        } else {
            level.value.members.push_back({level.key, level.key_offset, std::move(value)});
        }
        level.key.clear();
        return true;
    }

    Diagnostics& diagnostics_;
    size_t cursor_ = 0;
    std::vector<Level> levels_;
    std::optional<JsonValue> root_;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
    for (const JsonMember& member : members) {
        if (member.key == key) {
            return &member.value;
        }
    }
    return nullptr;
}

std::string_view name_of(JsonValue::Kind kind) {
    switch (kind) {
        case JsonValue::Kind::Null:
            return "null";
        case JsonValue::Kind::Boolean:
            return "true or false";
        case JsonValue::Kind::Integer:
        case JsonValue::Kind::Number:
            return "a number";
        case JsonValue::Kind::String:
            return "a string";
        case JsonValue::Kind::Array:
            return "an array";
        case JsonValue::Kind::Object:
            return "an object";
    }
    return "?";
}

std::optional<JsonValue> parse_json(Diagnostics& diagnostics) {
    Builder builder{diagnostics};
    const bool accepted = nlohmann::json::sax_parse(diagnostics.text(), &builder);
    return accepted ? builder.result() : std::nullopt;
}

std::string operator/(const std::string& pointer, std::string_view key) {
    std::string extended = pointer + "/";
    for (const char c : key) {
        extended += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    }
    return extended;
}

std::string operator/(const std::string& pointer, size_t index) {
    return pointer + "/" + std::to_string(index);
}

}  // namespace launch::model
