// SPDX-License-Identifier: Apache-2.0
// EvidenceExtractor: finds the evidence blocks of ARCHITECTURE.md in the lines of one console and
// checks their form, length and SHA-256. Whether the evidence is true is not judged here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace images {

struct Evidence {
    std::string name;  // "log" or "pcrs"
    std::string bytes;
};

class EvidenceExtractor {
  public:
    static constexpr size_t max_bytes = size_t{16} << 20;
    static constexpr size_t max_faults = 16;  // further ones are not kept

    // True when the line belongs to a block, good or bad, and is of no use to a reader.
    bool add_line(std::string_view line);

    // The whole blocks so far, in order; the first one of each name.
    [[nodiscard]] const std::vector<Evidence>& blocks() const { return blocks_; }
    // One sentence for each block that was not accepted.
    [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
    // Null when there is no such block.
    [[nodiscard]] const Evidence* find(std::string_view name) const;
    // The name of the block that has begun and not ended.
    [[nodiscard]] std::optional<std::string> open_block() const;

  private:
    struct Open {
        std::string name;
        size_t bytes;
        std::string sha256;
        std::string base64{};
    };
    void begin(std::string_view line);
    void end();
    void fault(std::string what);

    std::optional<Open> open_;
    std::vector<Evidence> blocks_;
    std::vector<std::string> faults_;
};

// Strict: whole groups of four, padding only at the end, nothing else.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace images
