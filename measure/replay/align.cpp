// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/align.hpp"

#include <algorithm>

namespace measure {
namespace {

// Larger tables are not computed: such a log is nowhere near the reference.
constexpr size_t max_cells = 16'000'000;

bool same_digests(const DigestSet& reference, const DigestSet& found) {
    return reference.only(found.banks()) == found;
}

// How much two events have in common; 0 never pairs.
uint32_t likeness(const ReferenceEvent& expected, const std::string& expected_label,
                  const RawEvent& found, const std::string& found_label) {
    const bool same_kind = expected.pcr == found.pcr && expected.type == found.claimed_type;
    const bool same_content = same_digests(expected.digests, found.digests);
    if (same_kind && same_content && expected.data == found.claimed_data) {
        return 8;
    }
    if (same_kind && expected_label == found_label) {
        return 4;
    }
    return same_content ? 2 : (same_kind ? 1 : 0);
}

class Table {
  public:
    Table(size_t rows, size_t columns) : columns_{columns}, cells_(rows * columns) {}
    uint32_t& at(size_t row, size_t column) { return cells_[row * columns_ + column]; }

  private:
    size_t columns_;
    std::vector<uint32_t> cells_;
};

}  // namespace

std::string label_of(EventType type, std::span<const std::byte> data) {
    std::string text;
    std::transform(data.begin(), data.end(), std::back_inserter(text),
                   [](std::byte b) { return static_cast<char>(b); });
    if (type == EventType::EV_IPL) {
        return text.substr(0, text.find('\n'));
    }
    if (type == EventType::EV_EVENT_TAG && text.size() >= 8) {
        return text.substr(8, text.find(",\"name\"") - 8);
    }
    return {};
}

// The pairing with the highest sum of likeness: best[i][j] is the sum for what follows i and j.
std::vector<Pair> align(std::span<const ReferenceEvent* const> expected,
                        std::span<const RawEvent* const> found) {
    const size_t rows = expected.size() + 1;
    const size_t columns = found.size() + 1;
    const bool small = rows <= max_cells / columns;
    std::vector<std::string> expected_labels;
    for (const ReferenceEvent* e : expected) {
        expected_labels.push_back(label_of(e->type, e->data));
    }
    std::vector<std::string> found_labels;
    for (const RawEvent* e : found) {
        found_labels.push_back(label_of(e->claimed_type, e->claimed_data));
    }
    Table likenesses{small ? rows : 0, columns};
    Table best{small ? rows : 0, columns};
    for (size_t i = small ? expected.size() : 0; i-- > 0;) {
        for (size_t j = found.size(); j-- > 0;) {
            const uint32_t l = likenesses.at(i, j) =
                likeness(*expected[i], expected_labels[i], *found[j], found_labels[j]);
            const uint32_t paired = l == 0 ? 0 : l + best.at(i + 1, j + 1);
            best.at(i, j) = std::max({paired, best.at(i + 1, j), best.at(i, j + 1)});
        }
    }
    std::vector<Pair> pairs;
    size_t i = 0;
    size_t j = 0;
    while (small && i < expected.size() && j < found.size()) {
        const uint32_t l = likenesses.at(i, j);
        if (l != 0 && best.at(i, j) == l + best.at(i + 1, j + 1)) {
            pairs.push_back({expected[i++], found[j++]});
        } else if (best.at(i, j) == best.at(i + 1, j)) {
            pairs.push_back({expected[i++], nullptr});
        } else {
            pairs.push_back({nullptr, found[j++]});
        }
    }
    for (; i < expected.size(); ++i) {
        pairs.push_back({expected[i], nullptr});
    }
    for (; j < found.size(); ++j) {
        pairs.push_back({nullptr, found[j]});
    }
    return pairs;
}

}  // namespace measure
