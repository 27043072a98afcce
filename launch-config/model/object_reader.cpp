// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/object_reader.hpp"

#include "launch-config/model/scalars.hpp"

#include <algorithm>

namespace launch::model {

ObjectReader::ObjectReader(const JsonValue& value, std::string pointer, Diagnostics& diagnostics)
    : value_{value},
      place_{value.offset, std::move(pointer)},
      diagnostics_{diagnostics},
      is_object_{value.kind == JsonValue::Kind::Object} {
    if (!is_object_) {
        diagnostics_.add(place_, "is " + std::string{name_of(value.kind)}, "expected an object");
    }
}

const JsonValue* ObjectReader::member(std::string_view key, Place& place) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        known_.push_back(key);
    }
    const JsonValue* found = value_.find(key);
    place = {found != nullptr ? found->offset : place_.offset, place_.pointer / key};
    return found;
}

const JsonValue* ObjectReader::member_of_kind(std::string_view key, JsonValue::Kind kind,
                                              std::string_view expected, Place& place) {
    const JsonValue* found = member(key, place);
    if (found != nullptr && found->kind != kind) {
        diagnostics_.add(place, "is " + std::string{name_of(found->kind)},
                         "expected " + std::string{expected});
        return nullptr;
    }
    return found;
}

std::optional<std::string> ObjectReader::string(std::string_view key, size_t max_bytes) {
    Place place;
    const JsonValue* found = member_of_kind(key, JsonValue::Kind::String, "a string", place);
    if (found == nullptr) {
        return std::nullopt;
    }
    if (found->string.size() > max_bytes) {
        diagnostics_.add(place, "is " + std::to_string(found->string.size()) + " bytes long",
                         "expected at most " + std::to_string(max_bytes));
        return std::nullopt;
    }
    if (found->string.find('\0') != std::string::npos) {
        diagnostics_.add(place, "contains a NUL character", "expected text without \\u0000");
        return std::nullopt;
    }
    return found->string;
}

std::optional<uint64_t> ObjectReader::integer(std::string_view key, uint64_t low, uint64_t high) {
    const std::string range =
        "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    Place place;
    const JsonValue* found = member(key, place);
    if (found == nullptr) {
        return std::nullopt;
    }
    const bool is_number = found->kind == JsonValue::Kind::Number;
    if (found->kind != JsonValue::Kind::Integer) {
        diagnostics_.add(place,
                         is_number ? "is negative, too large or not whole"
                                   : "is " + std::string{name_of(found->kind)},
                         "expected " + range);
        return std::nullopt;
    }
    if (found->integer < low || found->integer > high) {
        diagnostics_.add(place, "is " + std::to_string(found->integer), "expected " + range);
        return std::nullopt;
    }
    return found->integer;
}

std::optional<bool> ObjectReader::boolean(std::string_view key) {
    Place place;
    const JsonValue* found = member_of_kind(key, JsonValue::Kind::Boolean, "true or false", place);
    return found == nullptr ? std::nullopt : std::optional{found->boolean};
}

std::optional<uint64_t> ObjectReader::size(std::string_view key) {
    constexpr std::string_view expected = "a size with its unit, such as \"256M\" or \"1G\"";
    Place place;
    const JsonValue* found = member_of_kind(key, JsonValue::Kind::String, expected, place);
    if (found == nullptr) {
        return std::nullopt;
    }
    const auto bytes = parse_size(found->string);
    if (bytes == uint64_t{0}) {
        diagnostics_.add(place, "size is zero", "expected " + std::string{expected});
        return std::nullopt;
    }
    if (!bytes) {
        diagnostics_.add(place, "size " + quote(found->string) + " cannot be understood",
                         "expected " + std::string{expected});
    }
    return bytes;
}

std::optional<size_t> ObjectReader::word(std::string_view key,
                                         std::span<const std::string_view> words,
                                         std::span<const std::string_view> later) {
    Place place;
    const JsonValue* found = member_of_kind(key, JsonValue::Kind::String, list_words(words), place);
    return found == nullptr ? std::nullopt
                            : find_word(found->string, place, words, later, diagnostics_);
}

std::vector<std::pair<const JsonValue*, Place>> ObjectReader::array(std::string_view key) {
    Place place;
    std::vector<std::pair<const JsonValue*, Place>> items;
    const JsonValue* found = member_of_kind(key, JsonValue::Kind::Array, "an array", place);
    for (size_t i = 0; found != nullptr && i < found->items.size(); ++i) {
        items.emplace_back(&found->items[i], Place{found->items[i].offset, place.pointer / i});
    }
    return items;
}

void ObjectReader::require(std::string_view key, std::string_view expected) {
    if (is_object_ && value_.find(key) == nullptr) {
        diagnostics_.add(place_, std::string{key} + " is missing",
                         "expected " + std::string{expected});
    }
}

void ObjectReader::finish(std::span<const LaterField> later) {
    for (const JsonMember& member : value_.members) {
        if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) {
            continue;
        }
        const Place place{member.offset, place_.pointer / member.key};
        const auto* field =
            std::find_if(later.begin(), later.end(), [&member](const LaterField& f) {
                return f.name == member.key;
            }).base();
        if (field != later.data() + later.size()) {
            diagnostics_.add(place, "field " + quote(member.key) + " is not implemented yet",
                             "expected " + std::string{field->instead});
            continue;
        }
        const auto meant = nearest(member.key, known_);
        diagnostics_.add(
            place, "unknown field " + quote(member.key),
            meant ? "did you mean " + quote(*meant) + "?" : "expected " + list_words(known_));
    }
}

std::optional<size_t> find_word(const std::string& word, const Place& place,
                                std::span<const std::string_view> words,
                                std::span<const std::string_view> later, Diagnostics& diagnostics) {
    if (const auto found = std::find(words.begin(), words.end(), word); found != words.end()) {
        return static_cast<size_t>(found - words.begin());
    }
    if (std::find(later.begin(), later.end(), word) != later.end()) {
        diagnostics.add(place, quote(word) + " is not implemented yet",
                        "expected " + list_words(words));
        return std::nullopt;
    }
    const auto meant = nearest(word, words);
    diagnostics.add(
        place, "unknown word " + quote(word),
        meant ? "did you mean " + quote(*meant) + "?" : "expected " + list_words(words));
    return std::nullopt;
}

std::string list_words(std::span<const std::string_view> words) {
    std::string list;
    for (size_t i = 0; i < words.size(); ++i) {
        list += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
        list += quote(words[i]);
    }
    return list;
}

}  // namespace launch::model
