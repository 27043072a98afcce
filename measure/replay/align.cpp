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
    if (expected.type == found.claimed_type && !found_label.empty() &&
        expected_label == found_label) {
        return 3;  // in another PCR: the plan of PCRs is different
    }
    return same_content ? 2 : (same_kind ? 1 : 0);
}

template <class Event, class Type>
std::vector<std::string> labels_of(std::span<const Event* const> events, Type Event::*type,
                                   std::vector<std::byte> Event::*data) {
    std::vector<std::string> labels;
    for (const Event* e : events) {
        labels.push_back(label_of(e->*type, e->*data));
    }
    return labels;
}

// For every i and j: how like expected[i] and found[j] are, and the highest sum of likeness that a
// pairing of what follows them can have.
class Table {
  public:
    Table(std::span<const ReferenceEvent* const> expected, std::span<const RawEvent* const> found)
        : columns_{found.size() + 1}, cells_((expected.size() + 1) * columns_) {
        const auto expected_labels =
            labels_of(expected, &ReferenceEvent::type, &ReferenceEvent::data);
        const auto found_labels =
            labels_of(found, &RawEvent::claimed_type, &RawEvent::claimed_data);
        for (size_t i = expected.size(); i-- > 0;) {
            for (size_t j = found.size(); j-- > 0;) {
                Cell& cell = at(i, j);
                cell.likeness =
                    likeness(*expected[i], expected_labels[i], *found[j], found_labels[j]);
                cell.best = std::max({paired(i, j), at(i + 1, j).best, at(i, j + 1).best});
            }
        }
    }
    // It is best to pair these two; or else to leave the expected one alone.
    bool is_pair(size_t i, size_t j) {
        return at(i, j).likeness != 0 && at(i, j).best == paired(i, j);
    }
    bool is_missing(size_t i, size_t j) { return at(i, j).best == at(i + 1, j).best; }

  private:
    struct Cell {
        uint32_t likeness = 0;
        uint32_t best = 0;
    };
    Cell& at(size_t i, size_t j) { return cells_[i * columns_ + j]; }
    uint32_t paired(size_t i, size_t j) {
        const uint32_t l = at(i, j).likeness;
        return l == 0 ? 0 : l + at(i + 1, j + 1).best;
    }

    size_t columns_;
    std::vector<Cell> cells_;
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

std::vector<Pair> align(std::span<const ReferenceEvent* const> expected,
                        std::span<const RawEvent* const> found) {
    std::vector<Pair> pairs;
    size_t i = 0;
    size_t j = 0;
    if (expected.size() + 1 <= max_cells / (found.size() + 1)) {
        Table table{expected, found};
        while (i < expected.size() && j < found.size()) {
            if (table.is_pair(i, j)) {
                pairs.push_back({expected[i++], found[j++]});
            } else if (table.is_missing(i, j)) {
                pairs.push_back({expected[i++], nullptr});
            } else {
                pairs.push_back({nullptr, found[j++]});
            }
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
