// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/memory.hpp"

namespace xenstore {

Done Memory::charge(AccountId id, uint32_t blocks) {
    if (blocks > room(id)) {
        return hv::Err{Error::NoMemory};
    }
    accounts[id].usage.blocks += blocks;
    return hv::Ok{};
}

Result<Bytes> Memory::store(AccountId id, std::string_view text) {
    ASSERT(text.size() <= UINT16_MAX);
    TRY(charge(id, blocks_for(text.size())));
    Block first = no_block;
    Block last = no_block;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view piece = rest.substr(0, chunk_size);
        const Block block = pool.make<Chunk>();
        std::copy(piece.begin(), piece.end(), pool.at<Chunk>(block).bytes);
        (last == no_block ? first : pool.at<Chunk>(last).next) = block;
        last = block;
        rest.remove_prefix(piece.size());
    }
    return Bytes{first, static_cast<uint16_t>(text.size())};
}

Done Memory::replace(Bytes& bytes, AccountId id, std::string_view text) {
    const uint32_t held = blocks_for(bytes.size());
    if (blocks_for(text.size()) > held + room(id)) {
        return hv::Err{Error::NoMemory};
    }
    drop(bytes, id);
    bytes = store(id, text).take();  // there is room, see above
    return hv::Ok{};
}

void Memory::drop(Bytes& bytes, AccountId id) {
    Block block = bytes.first();
    for (uint32_t left = blocks_for(bytes.size()); left != 0; --left) {
        const Block next = pool.at<Chunk>(block).next;
        release(block, id);
        block = next;
    }
    bytes = {};
}

bool Memory::equal(Bytes bytes, std::string_view text) const {
    if (bytes.size() != text.size()) {
        return false;
    }
    for (Block at = bytes.first(); !text.empty(); at = pool.at<Chunk>(at).next) {
        const std::string_view piece = text.substr(0, chunk_size);
        if (piece != std::string_view{pool.at<Chunk>(at).bytes, piece.size()}) {
            return false;
        }
        text.remove_prefix(piece.size());
    }
    return true;
}

size_t Memory::copy(Bytes bytes, std::span<char> to) const {
    size_t copied = 0;
    for_each_piece(bytes, [&](std::string_view piece) {
        const size_t here = std::min(piece.size(), to.size() - copied);
        std::copy_n(piece.begin(), here, to.begin() + static_cast<ptrdiff_t>(copied));
        copied += here;
    });
    return copied;
}

}  // namespace xenstore
