// SPDX-License-Identifier: Apache-2.0
// The store's memory: blocks of one size, so that no pattern of use can fragment it for others.
// Knows nothing of who uses how much; that is memory.hpp.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>

namespace xenstore {

// Names a block; stays the same for as long as the block is in use.
using Block = hv::Number<struct BlockTag, uint32_t>;
inline constexpr Block no_block{};

inline constexpr uint32_t block_size = 64;
struct alignas(block_size) RawBlock {
    std::byte bytes[block_size];
};

class BlockPool {
  public:
    explicit BlockPool(std::span<RawBlock> blocks) : blocks_{blocks} {}

    [[nodiscard]] size_t total() const { return blocks_.size(); }
    [[nodiscard]] size_t used() const { return used_; }

    // A new T in a block; there must be a free one.
    template <class T>
    Block make() {
        static_assert(sizeof(T) <= block_size && std::is_trivially_destructible_v<T>);
        const Block block = take();
        new (blocks_[block.value() - 1].bytes) T{};
        return block;
    }
    void give_back(Block block) {
        new (blocks_[block.value() - 1].bytes) FreeBlock{first_free_};
        first_free_ = block;
        --used_;
    }

    // The T that was made in the block.
    template <class T>
    [[nodiscard]] T& at(Block block) const {
        ASSERT(block != no_block && block.value() <= blocks_.size());
        // SAFETY: whoever holds a Block knows what it made there; links between blocks are made by
        // this service only, never taken from a client.
        return *std::launder(reinterpret_cast<T*>(blocks_[block.value() - 1].bytes));
    }

  private:
    struct FreeBlock {
        Block next;
    };
    Block take() {
        ++used_;
        if (first_free_ != no_block) {
            const Block block = first_free_;
            first_free_ = at<FreeBlock>(block).next;
            return block;
        }
        ASSERT(never_used_ < blocks_.size());
        return Block{++never_used_};
    }

    std::span<RawBlock> blocks_;
    Block first_free_{};
    uint32_t never_used_ = 0;  // blocks before it have been in use
    size_t used_ = 0;
};

}  // namespace xenstore
