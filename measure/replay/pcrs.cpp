// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/pcrs.hpp"

#include "measure/replay/hex.hpp"

#include <charconv>
#include <optional>

namespace measure {
namespace {

struct PcrLine {
    Algorithm bank{};
    hv::PcrIndex pcr{};
    std::vector<std::byte> value;
};

// The part of `rest` before `separator`, which is removed from it too.
std::string_view cut(std::string_view& rest, char separator) {
    const size_t at = std::min(rest.find(separator), rest.size());
    const std::string_view part = rest.substr(0, at);
    rest.remove_prefix(std::min(at + 1, rest.size()));
    return part;
}

std::optional<PcrLine> parse_line(std::string_view line) {
    const auto bank = from_name(cut(line, ' '));
    const std::string_view number = cut(line, ' ');
    uint32_t pcr = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), pcr);
    const auto value = from_hex(line);
    if (!bank || parsed.ec != std::errc{} || parsed.ptr != number.data() + number.size() ||
        pcr >= pcr_count || !value || value->size() != digest_bytes(*bank)) {
        return std::nullopt;
    }
    return PcrLine{*bank, hv::PcrIndex{pcr}, *value};
}

}  // namespace

void extend_pcr(PcrValues& pcrs, hv::PcrIndex pcr, const DigestSet& digests) {
    DigestSet& value = pcrs[pcr];
    for (const Algorithm a : all_algorithms) {
        if (digests.banks().has(a) && !value.banks().has(a)) {
            value.set(a, std::vector<std::byte>(digest_bytes(a)));
        }
    }
    value = extend(value, digests);
}

std::string pcrs_to_text(const PcrValues& pcrs) {
    std::string text;
    for (const Algorithm a : all_algorithms) {
        for (const auto& [pcr, value] : pcrs) {
            if (value.banks().has(a)) {
                text += std::string{to_name(a)} + " " + std::to_string(pcr.value()) + " " +
                        to_hex(value.get(a)) + "\n";
            }
        }
    }
    return text;
}

hv::Result<PcrValues, std::string> pcrs_from_text(std::string_view text) {
    PcrValues pcrs;
    for (size_t number = 1; !text.empty(); ++number) {
        const auto line = parse_line(cut(text, '\n'));
        if (!line) {
            return hv::Err{"line " + std::to_string(number) + ": expected `bank index hex`"};
        }
        DigestSet& value = pcrs[line->pcr];
        if (value.banks().has(line->bank)) {
            return hv::Err{"line " + std::to_string(number) + ": this PCR stands there twice"};
        }
        value.set(line->bank, line->value);
    }
    return pcrs;
}

}  // namespace measure
