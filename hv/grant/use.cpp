// SPDX-License-Identifier: Apache-2.0
#include "hv/grant/use.hpp"

#include "hv/base/assert.hpp"
#include "hv/domain/physmap.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/mm/frame_table.hpp"

#include <atomic>

namespace hv::grant {

namespace {

// flags and domid as the one word that a compare-and-exchange covers.
struct Head {
    uint16_t flags;
    uint16_t domid;
};
constexpr Head to_head(uint32_t word) {
    return {static_cast<uint16_t>(word), static_cast<uint16_t>(word >> 16)};
}
constexpr uint32_t to_word(Head head) {
    return uint32_t{head.domid} << 16 | head.flags;
}
static_assert(offsetof(abi::GrantEntryV1, flags) == 0 && offsetof(abi::GrantEntryV1, domid) == 2);

// SAFETY: entries are 8 bytes, 8-byte aligned, and live in a frame of the hypervisor. The guest
// changes them at any time, so every access is one atomic operation on the word.
std::atomic_ref<uint32_t> head_of(abi::GrantEntryV1& entry) {
    return std::atomic_ref{*reinterpret_cast<uint32_t*>(&entry)};
}

// A guest that keeps changing the entry gets an error, not our time.
constexpr int max_tries = 5;

Result<void, GrantStatus> show_use(abi::GrantEntryV1& entry, DomainId user, bool write) {
    uint32_t word = head_of(entry).load(std::memory_order_seq_cst);
    for (int n = 0; n < max_tries; ++n) {
        Head head = to_head(word);
        const bool is_granted = (head.flags & abi::GTF_type_mask) == abi::GTF_permit_access &&
                                (head.flags & abi::GTF_sub_page) == 0 &&
                                DomainId{head.domid} == user;
        if (!is_granted || (write && (head.flags & abi::GTF_readonly) != 0)) {
            return Err{GrantStatus::GNTST_general_error};
        }
        const uint16_t use = write ? abi::GTF_reading | abi::GTF_writing : abi::GTF_reading;
        head.flags = static_cast<uint16_t>(head.flags | use);
        if (head_of(entry).compare_exchange_strong(word, to_word(head),
                                                   std::memory_order_seq_cst)) {
            return Ok{};
        }
    }
    return Err{GrantStatus::GNTST_general_error};
}

void hide_use(abi::GrantEntryV1& entry, uint16_t flags) {
    head_of(entry).fetch_and(~uint32_t{flags}, std::memory_order_seq_cst);
}

// The flags that no user needs any more.
uint16_t unused_flags(const ActiveGrant& active) {
    if (!active.is_used()) {
        return abi::GTF_reading | abi::GTF_writing;
    }
    return active.writers == 0 ? abi::GTF_writing : 0;
}

}  // namespace

Result<Mfn, GrantStatus> acquire(domain::Domain& granter, GrantRef ref, DomainId user, bool write) {
    GrantTable& table = *granter.grants;
    if (ref.value() >= table.entry_count()) {
        return Err{GrantStatus::GNTST_bad_gntref};
    }
    abi::GrantEntryV1& entry = table.entry(ref);
    ActiveGrant& active = table.active(ref);
    if (active.is_used() && active.user != user) {
        return Err{GrantStatus::GNTST_general_error};
    }
    if (!active.is_used() || (write && active.writers == 0)) {
        TRY(show_use(entry, user, write));
    }
    if (!active.is_used()) {
        // After the use is shown, so that the guest no longer changes it without breaking its own
        // rules; read once, whatever it does.
        const Gfn gfn{std::atomic_ref{entry.frame}.load(std::memory_order_seq_cst)};
        const auto mfn = domain::own_ram(granter, gfn);
        if (!mfn) {
            hide_use(entry, abi::GTF_reading | abi::GTF_writing);
            return Err{GrantStatus::GNTST_bad_page};
        }
        active.mfn = static_cast<uint32_t>(mfn->value());
        active.user = user;
    }
    ++(write ? active.writers : active.readers);
    mm::machine_frames.add_foreign_mapping(Mfn{active.mfn});
    return Mfn{active.mfn};
}

void release(domain::Domain& granter, GrantRef ref, bool write) {
    ActiveGrant& active = granter.grants->active(ref);
    uint32_t& users = write ? active.writers : active.readers;
    ASSERT(users > 0);
    --users;
    mm::machine_frames.drop_foreign_mapping(Mfn{active.mfn});
    if (const uint16_t flags = unused_flags(active); flags != 0) {
        hide_use(granter.grants->entry(ref), flags);
    }
}

}  // namespace hv::grant
