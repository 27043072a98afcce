// SPDX-License-Identifier: Apache-2.0
// ObjectReader: the members of one JSON object as typed values. Everything wrong becomes a
// diagnostic and reading goes on, so that one run finds all mistakes.
#pragma once

#include "launch-config/model/json_document.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace launch::model {

// A field of a later version: known, so that it is not taken for a slip of the pen.
struct LaterField {
    std::string_view name;
    std::string_view instead;  // what to do today
};

class ObjectReader {
  public:
    // `value` may be of any kind; if it is not an object, that is reported and nothing is found.
    ObjectReader(const JsonValue& value, std::string pointer, Diagnostics& diagnostics);

    [[nodiscard]] const Place& place() const { return place_; }
    [[nodiscard]] Diagnostics& diagnostics() const { return diagnostics_; }

    // The member of this name and its place; remembers that the name is known.
    const JsonValue* member(std::string_view key, Place& place);

    // Each gives nothing if the member is absent or wrong (then reported).
    std::optional<std::string> string(std::string_view key, size_t max_bytes);
    std::optional<uint64_t> integer(std::string_view key, uint64_t low, uint64_t high);
    std::optional<bool> boolean(std::string_view key);
    std::optional<uint64_t> size(std::string_view key);
    // One of `words`; a word of `later` is known but not implemented.
    std::optional<size_t> word(std::string_view key, std::span<const std::string_view> words,
                               std::span<const std::string_view> later = {});
    // The items of an array, each with its place; a wrong kind is reported.
    std::vector<std::pair<const JsonValue*, Place>> array(std::string_view key);

    void require(std::string_view key, std::string_view expected);
    // Reports members that were never asked for. To be called last.
    void finish(std::span<const LaterField> later = {});

  private:
    const JsonValue* member_of_kind(std::string_view key, JsonValue::Kind kind,
                                    std::string_view expected, Place& place);
    const JsonValue& value_;
    Place place_;
    Diagnostics& diagnostics_;
    bool is_object_;
    std::vector<std::string_view> known_;
};

// The index in `words` of a word that stands at `place`; reported if it is none of them.
std::optional<size_t> find_word(const std::string& word, const Place& place,
                                std::span<const std::string_view> words,
                                std::span<const std::string_view> later, Diagnostics& diagnostics);

// `"a", "b" or "c"`.
std::string list_words(std::span<const std::string_view> words);

}  // namespace launch::model
