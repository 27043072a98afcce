// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/modules.hpp"

#include <algorithm>
#include <cstring>

namespace builder {
namespace {

// Copied and hashed in pieces that stay in the processor's caches.
constexpr size_t piece_bytes = 64 * 1024;

measure::DigestSet copy_and_hash(std::span<const std::byte> from, std::span<std::byte> to,
                                 measure::BankSet banks) {
    measure::Hasher hasher{banks};
    for (size_t at = 0; at < from.size(); at += piece_bytes) {
        const size_t n = std::min(piece_bytes, from.size() - at);
        memcpy(to.data() + at, from.data() + at, n);
        hasher.update(to.subspan(at, n));
    }
    return hasher.finish();
}

}  // namespace

hv::Result<const Module*, OutOfMemory> Modules::load(uint32_t index) {
    ASSERT(exists(index));
    std::optional<Module>& module = loaded_[index];
    if (!module) {
        const std::span<const std::byte> source = sources_[index];
        const std::span<std::byte> copy = TRY(arena_.take(source.size()));
        module.emplace(Module{copy, copy_and_hash(source, copy, banks_)});
    }
    return static_cast<const Module*>(&*module);
}

}  // namespace builder
