// SPDX-License-Identifier: Apache-2.0
#include "images/console/evidence.hpp"

#include "measure/replay/hex.hpp"
#include "measure/tcg/digest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace images {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN GANTRY EVIDENCE ";
constexpr std::string_view end_line = "-----END GANTRY EVIDENCE-----";
constexpr std::string_view line_tail = "-----";
constexpr measure::BankSet sha256_only{1U << static_cast<unsigned>(measure::Algorithm::Sha256)};

// Takes "key=" and its value, up to the next space, from the front of `text`.
std::optional<std::string_view> take_value(std::string_view& text, std::string_view key) {
    if (!text.starts_with(key) || text.substr(key.size(), 1) != "=") {
        return std::nullopt;
    }
    text.remove_prefix(key.size() + 1);
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view value = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return value;
}

std::optional<size_t> parse_size(std::string_view text) {
    size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::optional<uint32_t> base64_digit(char c) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t at = alphabet.find(c);
    return at == std::string_view::npos ? std::nullopt : std::optional{static_cast<uint32_t>(at)};
}

std::string sha256_hex(std::string_view bytes) {
    const auto digests = measure::hash(sha256_only, bytes);
    return measure::to_hex(digests.get(measure::Algorithm::Sha256));
}

// Room for `bytes` in base64.
size_t base64_size(size_t bytes) {
    return (bytes + 2) / 3 * 4;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    uint32_t group = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool is_padding = i >= text.size() - padding;
        const auto digit = is_padding ? std::optional{0U} : base64_digit(text[i]);
        if (!digit) {
            return std::nullopt;
        }
        group = (group << 6) | *digit;
        if (i % 4 == 3) {
            for (const int shift : {16, 8, 0}) {
                bytes += static_cast<char>((group >> shift) & 0xff);
            }
            group = 0;
        }
    }
    // What the padding stands for must be zero, so that every text has one meaning only.
    if (std::any_of(bytes.end() - static_cast<ptrdiff_t>(padding), bytes.end(),
                    [](char c) { return c != '\0'; })) {
        return std::nullopt;
    }
    bytes.resize(bytes.size() - padding);
    return bytes;
}

bool EvidenceExtractor::add_line(std::string_view line) {
    if (line.starts_with(begin_mark)) {
        begin(line);
        return true;
    }
    if (!open_) {
        return false;
    }
    if (line == end_line) {
        end();
        return true;
    }
    if (open_->base64.size() + line.size() > base64_size(open_->bytes)) {
        fault("evidence " + open_->name + ": longer than it says");
        open_.reset();
        return false;
    }
    open_->base64 += line;
    return true;
}

void EvidenceExtractor::begin(std::string_view line) {
    if (open_) {
        fault("evidence " + open_->name + ": not ended before the next one");
        open_.reset();
    }
    std::string_view text = line.substr(begin_mark.size());
    if (!text.ends_with(line_tail)) {
        fault("evidence: first line without its end");
        return;
    }
    text.remove_suffix(line_tail.size());
    const auto name = take_value(text, "name");
    const auto bytes = take_value(text, "bytes");
    const auto sha256 = take_value(text, "sha256");
    const auto size = bytes ? parse_size(*bytes) : std::nullopt;
    if (!name || !sha256 || !text.empty() || (*name != "log" && *name != "pcrs") ||
        sha256->size() != 64) {
        fault("evidence: malformed first line");
    } else if (!size || *size > max_bytes) {
        fault("evidence " + std::string{*name} + ": no usable length");
    } else {
        open_ = Open{.name = std::string{*name}, .bytes = *size, .sha256 = std::string{*sha256}};
    }
}

void EvidenceExtractor::end() {
    const Open block = *std::exchange(open_, std::nullopt);
    auto bytes = decode_base64(block.base64);
    if (!bytes) {
        fault("evidence " + block.name + ": not base64");
    } else if (bytes->size() != block.bytes) {
        fault("evidence " + block.name + ": " + std::to_string(bytes->size()) +
              " bytes, expected " + std::to_string(block.bytes));
    } else if (sha256_hex(*bytes) != block.sha256) {
        fault("evidence " + block.name + ": SHA-256 differs");
    } else if (find(block.name) != nullptr) {
        fault("evidence " + block.name + ": more than one block");
    } else {
        blocks_.push_back(Evidence{.name = block.name, .bytes = *std::move(bytes)});
    }
}

const Evidence* EvidenceExtractor::find(std::string_view name) const {
    const auto found =
        std::find_if(blocks_.begin(), blocks_.end(), [&](const auto& b) { return b.name == name; });
    return found == blocks_.end() ? nullptr : &*found;
}

void EvidenceExtractor::fault(std::string what) {
    if (faults_.size() < max_faults) {
        faults_.push_back(std::move(what));
    }
}

std::optional<std::string> EvidenceExtractor::open_block() const {
    return open_ ? std::optional{open_->name} : std::nullopt;
}

}  // namespace images
