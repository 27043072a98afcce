// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/extents.hpp"

#include <algorithm>

namespace hv::mm {

namespace {
Mfn end_of(const Extent& e) {
    return e.first + e.count;
}
}  // namespace

Result<void, ExtentError> Extents::add(Extent range) {
    if (range.count == 0) {
        return Ok{};
    }
    size_t at = 0;
    while (at < ranges_.size() && ranges_[at].first < range.first) {
        ++at;
    }
    ASSERT(at == ranges_.size() || end_of(range) <= ranges_[at].first);
    ASSERT(at == 0 || end_of(ranges_[at - 1]) <= range.first);
    const bool joins_left = at > 0 && end_of(ranges_[at - 1]) == range.first;
    const bool joins_right = at < ranges_.size() && end_of(range) == ranges_[at].first;
    if (joins_left) {
        ranges_[at - 1].count += range.count;
        if (joins_right) {
            ranges_[at - 1].count += ranges_[at].count;
            std::move(ranges_.begin() + at + 1, ranges_.end(), ranges_.begin() + at);
            ranges_.pop();
        }
        return Ok{};
    }
    if (joins_right) {
        ranges_[at].first = range.first;
        ranges_[at].count += range.count;
        return Ok{};
    }
    if (!ranges_.push(range).ok()) {
        return Err{ExtentError::TooManyRanges};
    }
    std::rotate(ranges_.begin() + at, ranges_.end() - 1, ranges_.end());
    return Ok{};
}

Result<void, ExtentError> Extents::remove(Extent range) {
    if (range.count == 0) {
        return Ok{};  // would split a range in two that touch
    }
    const Mfn end = end_of(range);
    for (size_t i = 0; i < ranges_.size();) {
        Extent& r = ranges_[i];
        const Mfn r_end = end_of(r);
        if (r_end <= range.first || end <= r.first) {
            ++i;
            continue;
        }
        const Extent left{r.first, r.first < range.first ? range.first - r.first : 0};
        const Extent right{end, end < r_end ? r_end - end : 0};
        if (left.count > 0 && right.count > 0) {
            if (ranges_.full()) {
                return Err{ExtentError::TooManyRanges};
            }
            r = left;
            return add(right);
        }
        if (left.count == 0 && right.count == 0) {
            std::move(ranges_.begin() + i + 1, ranges_.end(), ranges_.begin() + i);
            ranges_.pop();
            continue;
        }
        r = left.count > 0 ? left : right;
        ++i;
    }
    return Ok{};
}

Result<Mfn, ExtentError> Extents::take_high(uint64_t count, uint64_t alignment) {
    for (size_t i = ranges_.size(); i-- > 0;) {
        const Extent& r = ranges_[i];
        if (r.count < count) {
            continue;
        }
        const Mfn first{align_down(end_of(r).value() - count, alignment)};
        if (first >= r.first) {
            TRY(remove({first, count}));
            return first;
        }
    }
    return Err{ExtentError::NoMemory};
}

Result<Extent, ExtentError> Extents::take_low(uint64_t count, uint64_t alignment) {
    Extent best{};
    for (const Extent& r : ranges_) {
        const Mfn aligned{align_up(r.first.value(), alignment)};
        const bool can_align =
            aligned < end_of(r) && end_of(r) - aligned >= std::min(count, alignment);
        const Mfn first = can_align ? aligned : r.first;
        const uint64_t n = std::min(end_of(r) - first, count);
        if (n > best.count) {
            best = {first, n};
        }
    }
    if (best.count == 0) {
        return Err{ExtentError::NoMemory};
    }
    TRY(remove(best));
    return best;
}

uint64_t Extents::free_count() const {
    uint64_t total = 0;
    for (const Extent& r : ranges_) {
        total += r.count;
    }
    return total;
}

}  // namespace hv::mm
