// SPDX-License-Identifier: Apache-2.0
// Arena: where the objects of the launch plan live. Memory is taken at boot and never given back;
// after the point of no return nothing allocates from it.
#pragma once

#include "hv/mm/direct_map.hpp"
#include "hv/mm/extents.hpp"

#include <new>
#include <span>

namespace hv::mm {

class Arena {
  public:
    constexpr explicit Arena(Extents& frames) : frames_{frames} {}

    // Zeroed bytes, aligned (a power of two of at most a page).
    Result<std::byte*, ExtentError> bytes(uint64_t size, uint64_t alignment);
    // Zeroed frames in a row.
    Result<Mfn, ExtentError> frames(uint64_t count);

    template <class T, class... Args>
    Result<T*, ExtentError> make(Args&&... args) {
        std::byte* at = TRY(bytes(sizeof(T), alignof(T)));
        // SAFETY: fresh memory of the right size and alignment, owned by the arena for good.
        return new (at) T(static_cast<Args&&>(args)...);
    }
    template <class T>
    Result<std::span<T>, ExtentError> array(uint64_t count) {
        std::byte* at = TRY(bytes(sizeof(T) * count, alignof(T)));
        T* first = nullptr;
        for (uint64_t i = 0; i < count; ++i) {
            T* item = new (at + i * sizeof(T)) T();
            first = first == nullptr ? item : first;
        }
        return std::span<T>{first, count};
    }

  private:
    Extents& frames_;
    Paddr next_{};
    Paddr end_{};
};

}  // namespace hv::mm
