// SPDX-License-Identifier: Apache-2.0
// The grant table of a domain (version 1): the pages it shares with the hypervisor, what of it is
// in use, and which grants of others the domain has mapped. Operations on it are in use.hpp,
// mapping.hpp and copy.hpp. Under Domain::lock of the domain it belongs to.
#pragma once

#include "hv/abi/xen_grant_table.hpp"
#include "hv/base/address.hpp"
#include "hv/domain/domain.hpp"
#include "hv/grant/handle_budget.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace hv::grant {

inline constexpr uint32_t entries_per_frame = page_size / sizeof(abi::GrantEntryV1);

// How one entry is being used. Counted here and not in the entry, which the guest can write.
struct ActiveGrant {
    uint32_t mfn = 0;  // the frame pinned by the first user; all users get this one
    uint32_t readers = 0;
    uint32_t writers = 0;
    DomainId user{};  // the one domain that uses it
    uint16_t pad = 0;

    [[nodiscard]] bool is_used() const { return readers != 0 || writers != 0; }
};
static_assert(sizeof(ActiveGrant) == 16);

enum class MappingState : uint8_t {
    Free,
    Mapped,
    Unmapping,  // gone from the p2m, but the grant stays in use until every CPU is flushed
    Released,   // as Unmapping, but the granter has ended meanwhile: no longer in use
    Revoked,    // the granter has ended: the substitute is mapped until the handle is given back
    Resource,   // no grant: a frame of the granter's table, for good (resource.hpp)
};

// One grant of another domain that the domain has mapped; its index is the handle. A resource has
// no ref and no user.
struct Mapping {
    Gfn gfn{};  // where, in the mapping domain
    Mfn mfn{};
    GrantRef ref{};
    DomainId granter{};
    MappingState state = MappingState::Free;
    bool is_writable = false;
    bool is_in_entry = false;  // of a PV guest: the place was named by a page table's entry
    bool is_of_share = false;  // of the budget
};
static_assert(sizeof(Mapping) == 32);

class GrantTable {
  public:
    // Memory for the largest table the domain may have, reserved at creation.
    struct Memory {
        Mfn first_frame{};              // `frame_count` frames in a row, of use Hypervisor, zeroed
        uint32_t frame_count = 0;       // the largest table; the guest starts with one
        Mfn substitute{};               // a frame of use Hypervisor, filled with ones
        std::span<ActiveGrant> active;  // frame_count * entries_per_frame
        std::span<Mapping> mappings;    // how many grants it can map at a time
    };

    constexpr GrantTable() = default;
    void init(const Memory& memory);

    [[nodiscard]] uint32_t frame_count() const { return used_frames_; }
    [[nodiscard]] uint32_t max_frame_count() const { return memory_.frame_count; }
    [[nodiscard]] uint32_t entry_count() const { return used_frames_ * entries_per_frame; }

    // The frame with that index; the table grows to have it. Nothing beyond the largest table.
    std::optional<Mfn> frame(uint64_t index);
    [[nodiscard]] bool is_own_frame(Mfn mfn) const {
        return mfn >= memory_.first_frame && mfn - memory_.first_frame < memory_.frame_count;
    }

    // What the domain sees in place of frames of a domain that has ended. Its own, so that it may
    // write there by whatever instruction it was about to write to the frame.
    [[nodiscard]] Mfn substitute() const { return memory_.substitute; }

    // The entry shared with the guest; ref is below entry_count().
    [[nodiscard]] abi::GrantEntryV1& entry(GrantRef ref) const;
    ActiveGrant& active(GrantRef ref) { return memory_.active[ref.value()]; }

    // For a grant of that domain.
    std::optional<uint32_t> find_free_handle(DomainId granter);
    void use_handle(uint32_t handle, const Mapping& mapping);  // that was found
    void free_handle(uint32_t handle);
    [[nodiscard]] std::span<Mapping> mappings() { return memory_.mappings; }
    HandleBudget& budget() { return budget_; }

  private:
    Memory memory_;
    uint32_t used_frames_ = 0;
    uint32_t next_handle_ = 0;  // where the search for a free one starts
    HandleBudget budget_;
};

// A grant of the plan, made before the domain runs: `to` may map the page.
void seed(domain::Domain& domain, GrantRef ref, DomainId to, Gfn gfn);

}  // namespace hv::grant
