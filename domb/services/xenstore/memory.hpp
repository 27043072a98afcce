// SPDX-License-Identifier: Apache-2.0
// Memory: blocks that are charged to an account, and byte strings of any length in chains of them.
// Everything that clients can make grow lives here, and the key under which its names are hashed.
#pragma once

#include "domb/services/xenstore/accounts.hpp"
#include "domb/services/xenstore/block_pool.hpp"
#include "domb/services/xenstore/error.hpp"
#include "domb/services/xenstore/hash.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace xenstore {

// A byte string in the pool. Empty ones have no block. Whoever holds it knows the account. Aligned
// to two bytes only, so that three of them and the rest of a Node fit a block.
class Bytes {
  public:
    constexpr Bytes() = default;
    constexpr Bytes(Block first, uint16_t size)
        : low_{static_cast<uint16_t>(first.value() & 0xffff)},
          high_{static_cast<uint16_t>(first.value() >> 16)},
          size_{size} {}
    [[nodiscard]] constexpr Block first() const {
        return Block{low_ | static_cast<uint32_t>(high_) << 16};
    }
    [[nodiscard]] constexpr size_t size() const { return size_; }

  private:
    uint16_t low_ = 0;
    uint16_t high_ = 0;
    uint16_t size_ = 0;
};
static_assert(sizeof(Bytes) == 6);

class Memory {
  public:
    Memory(std::span<RawBlock> blocks, uint32_t system_bytes, const HashKey& key)
        : pool{blocks}, accounts{blocks.size(), system_bytes}, hash_key{key} {}
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    // ENOMEM when the account has used up its memory.
    template <class T>
    Result<Block> make(AccountId id) {
        TRY(charge(id, 1));
        return pool.make<T>();
    }
    void release(Block block, AccountId id) {
        pool.give_back(block);
        accounts[id].usage.blocks -= 1;
    }
    // How many more blocks the account may use.
    [[nodiscard]] uint32_t room(AccountId id) const {
        const Account& account = accounts[id];
        const uint32_t limit = Accounts::blocks_in(account.quota.memory);
        return limit - std::min(limit, account.usage.blocks + account.reserved);
    }
    // The limits are the caller's to check.
    void move_charge(AccountId from, AccountId to, uint32_t blocks) {
        accounts[from].usage.blocks -= blocks;
        accounts[to].usage.blocks += blocks;
    }

    // A copy of the text; at most 65535 bytes.
    Result<Bytes> store(AccountId id, std::string_view text);
    // Another text in its place, or ENOMEM and no change.
    Done replace(Bytes& bytes, AccountId id, std::string_view text);
    // Frees it and makes it empty.
    void drop(Bytes& bytes, AccountId id);

    static constexpr uint32_t blocks_for(size_t size) {
        return static_cast<uint32_t>((size + chunk_size - 1) / chunk_size);
    }

    [[nodiscard]] bool equal(Bytes bytes, std::string_view text) const;
    // Copies what fits.
    size_t copy(Bytes bytes, std::span<char> to) const;
    // Calls `sink` with the pieces, in order.
    template <class Sink>
    void for_each_piece(Bytes bytes, Sink&& sink) const {
        size_t left = bytes.size();
        for (Block at = bytes.first(); left != 0; at = pool.at<Chunk>(at).next) {
            const size_t here = std::min(left, chunk_size);
            sink(std::string_view{pool.at<Chunk>(at).bytes, here});
            left -= here;
        }
    }

    BlockPool pool;
    Accounts accounts;
    const HashKey hash_key;

  private:
    static constexpr size_t chunk_size = block_size - sizeof(Block);
    struct Chunk {
        Block next;
        char bytes[chunk_size];
    };
    Done charge(AccountId id, uint32_t blocks);
};

}  // namespace xenstore
