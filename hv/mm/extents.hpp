// SPDX-License-Identifier: Apache-2.0
// Extents: the free frames of the machine as a short sorted list of ranges. Used while the plan is
// carried out and when domB is reclaimed; nothing allocates from it on behalf of a running guest.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/base/static_vector.hpp"

#include <cstdint>
#include <optional>

namespace hv::mm {

struct Extent {
    Mfn first{};
    uint64_t count = 0;
};

enum class ExtentError : uint8_t {
    NoMemory,       // no range is long enough: the plan does not fit
    TooManyRanges,  // the list is full; nothing changed
};

class Extents {
  public:
    constexpr Extents() = default;

    // Adds free frames; joins neighbours. The range must not overlap a free one.
    Result<void, ExtentError> add(Extent range);
    // Takes these frames out, free or not.
    Result<void, ExtentError> remove(Extent range);

    // `count` frames in a row, the first a multiple of `alignment` frames (a power of two), as
    // high in memory as possible: small pieces leave the low, aligned memory to guests.
    Result<Mfn, ExtentError> take_high(uint64_t count, uint64_t alignment = 1);
    // At most `count` frames in a row from the lowest range that can give the most, aligned to
    // `alignment` where the range allows.
    Result<Extent, ExtentError> take_low(uint64_t count, uint64_t alignment);

    [[nodiscard]] uint64_t free_count() const;
    [[nodiscard]] const auto& ranges() const { return ranges_; }

  private:
    static constexpr size_t max_ranges = 256;
    StaticVector<Extent, max_ranges> ranges_;  // sorted by first, never adjacent
};

}  // namespace hv::mm
