// SPDX-License-Identifier: Apache-2.0
// How a server's memory is divided: itself, its clients, the watches' hash table, blocks.
#include "domb/services/xenstore/server.hpp"
#include "hv/base/assert.hpp"

#include <new>

namespace xenstore {
namespace {

constexpr size_t bucket_count = 4096;

constexpr size_t rounded(size_t bytes) {
    return hv::align_up(bytes, block_size);
}

PermissionList nobody() {
    PermissionList list;
    ASSERT(list.push({}).ok());
    return list;
}

// Cuts pieces of whole blocks off a range.
class Cutter {
  public:
    explicit Cutter(std::span<std::byte> memory) {
        // SAFETY: only to find the first aligned byte.
        const auto start = reinterpret_cast<uintptr_t>(memory.data());
        const size_t skipped = rounded(start) - start;
        ASSERT(memory.size() >= skipped);
        rest_ = memory.subspan(skipped);
    }
    template <class T>
    std::span<T> cut(size_t count) {
        const size_t bytes = rounded(sizeof(T) * count);
        ASSERT(bytes <= rest_.size());
        // SAFETY: aligned, large enough, and nobody else's; each T begins its life here.
        T* const first = reinterpret_cast<T*>(rest_.data());
        for (size_t i = 0; i < count; ++i) {
            new (first + i) T;
        }
        rest_ = rest_.subspan(bytes);
        return {first, count};
    }
    // Memory for a T that its caller makes.
    void* cut_raw(size_t size) {
        const auto piece = rest_.first(rounded(size));
        rest_ = rest_.subspan(piece.size());
        return piece.data();
    }
    // The blocks are not touched: what is never used costs nothing.
    std::span<RawBlock> all_blocks() {
        // SAFETY: aligned to blocks; RawBlock is bytes.
        return {reinterpret_cast<RawBlock*>(rest_.data()), rest_.size() / block_size};
    }

  private:
    std::span<std::byte> rest_;
};

}  // namespace

struct Server::Parts {
    void* server;
    std::span<Client> clients;
    std::span<Session> sessions;
    std::span<Block> buckets;
    std::span<RawBlock> blocks;
};

Server::Parts Server::cut(std::span<std::byte> memory, const Config& config) {
    Cutter cutter{memory};
    Parts parts{};
    parts.server = cutter.cut_raw(sizeof(Server));
    parts.clients = cutter.cut<Client>(config.clients);
    parts.sessions = cutter.cut<Session>(config.clients);
    parts.buckets = cutter.cut<Block>(bucket_count);
    parts.blocks = cutter.all_blocks();
    return parts;
}

size_t Server::memory_needed(const Config& config) {
    return block_size + rounded(sizeof(Server)) + rounded(sizeof(Client) * config.clients) +
           rounded(sizeof(Session) * config.clients) + rounded(sizeof(Block) * bucket_count) +
           rounded(config.system_memory) + config.clients * rounded(config.quota.memory);
}

Server& Server::start(std::span<std::byte> memory, const Config& config, Outside& outside) {
    ASSERT(config.clients <= max_domains && memory.size() >= memory_needed(config));
    const Parts parts = cut(memory, config);
    return *new (parts.server) Server{parts, config, outside};
}

Server::Server(const Parts& parts, const Config& config, Outside& outside)
    : outside_{outside},
      control_{config.control},
      quota_{config.quota},
      clients_{parts.clients},
      sessions_{parts.sessions},
      buckets_{parts.buckets},
      memory_{parts.blocks, config.system_memory, config.hash_key},
      watches_{memory_, buckets_, sessions_},
      store_{memory_, watches_},
      introduce_readers_{nobody()},
      release_readers_{nobody()} {}

}  // namespace xenstore
