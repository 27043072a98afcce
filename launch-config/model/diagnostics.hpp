// SPDX-License-Identifier: Apache-2.0
// Diagnostics: every mistake found in one manifest, each with its place, reported together in the
// order of the text. Used by everything that reads or checks a manifest.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace launch::model {

// Where in the manifest: byte offset for line and column, JSON pointer (RFC 6901) for programs.
struct Place {
    size_t offset = 0;
    std::string pointer;
};

struct Diagnostic {
    Place place;
    std::string what;      // what is wrong
    std::string expected;  // what would be right
    size_t line = 0;       // from 1
    size_t column = 0;     // from 1, in characters
};

class Diagnostics {
  public:
    // `file` is how messages name the manifest, `text` its content.
    Diagnostics(std::string file, std::string text);

    void add(const Place& place, std::string what, std::string expected);
    [[nodiscard]] bool empty() const { return found_.empty(); }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const std::string& file() const { return file_; }

    // All of them, sorted by position.
    [[nodiscard]] std::vector<Diagnostic> sorted() const;
    // `file:line:column: /json/pointer: what: expected …`; the empty pointer is written as "/".
    [[nodiscard]] std::string to_text(const Diagnostic& diagnostic) const;

  private:
    std::string file_;
    std::string text_;
    std::vector<Diagnostic> found_;
};

// Text with control bytes escaped: nothing from outside may drive a terminal.
std::string printable(std::string_view text);
// A value from outside inside a message: printable, quoted, cut when very long.
std::string quote(std::string_view value);

}  // namespace launch::model
