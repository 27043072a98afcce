// SPDX-License-Identifier: Apache-2.0
// TableArea: composes what domB writes below 1 MiB of a domain (ACPI tables, start info, command
// line) in private memory, handing out guest addresses as it goes.
#pragma once

#include "domb/builder/refusal.hpp"
#include "hv/base/address.hpp"
#include "hv/base/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace builder {

class TableArea {
  public:
    // `buffer` is zero-filled and will stand at `gpaddr` in the domain.
    TableArea(std::span<std::byte> buffer, uint64_t gpaddr) : buffer_{buffer}, gpaddr_{gpaddr} {}

    // Guest address of a copy of `bytes`. Everything that goes here is bounded by the limits of
    // the launch graph, so it fits: a test fills all of them.
    uint64_t add(std::span<const std::byte> bytes, uint64_t alignment = 16) {
        used_ = hv::align_up(used_, alignment);
        ASSERT(bytes.size() <= buffer_.size() - used_);
        memcpy(buffer_.data() + used_, bytes.data(), bytes.size());
        const uint64_t at = gpaddr_ + used_;
        used_ += bytes.size();
        return at;
    }
    template <class T>
    uint64_t add_object(const T& object) {
        static_assert(std::is_trivially_copyable_v<T>);
        return add(std::as_bytes(std::span{&object, 1}));
    }

    [[nodiscard]] std::span<const std::byte> bytes() const { return buffer_.first(used_); }
    [[nodiscard]] uint64_t gpaddr() const { return gpaddr_; }

  private:
    std::span<std::byte> buffer_;
    uint64_t gpaddr_;
    uint64_t used_ = 0;
};

}  // namespace builder
