// SPDX-License-Identifier: Apache-2.0
// FrameTable: who owns each frame of the machine. The nested page tables decide what a domain can
// reach; this table decides what may be put into them.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/assert.hpp"

#include <cstdint>
#include <span>

namespace hv::mm {

enum class FrameUse : uint8_t {
    Absent,      // not RAM, or kept by firmware
    Free,        // holds nothing of this boot, may be given to anyone
    Hypervisor,  // text, data, tables, pools
    Module,      // a boot module, until domB is gone
    Guest,       // RAM of the owning domain
    SetAside,    // RAM that the owning domain may map and does not: ballooned out, or never
                 // asked for; nothing maps it
    EventLog,    // the measurement log
};

struct FrameInfo {
    FrameUse use = FrameUse::Absent;
    uint8_t pad = 0;
    DomainId owner{};               // for Guest and SetAside
    uint32_t foreign_mappings = 0;  // live grant and foreign mappings by other domains, and what hv
                                    // itself relies on; for SetAside the next frame of the list
};
static_assert(sizeof(FrameInfo) == 8);

class FrameTable {
  public:
    constexpr FrameTable() = default;
    void init(std::span<FrameInfo> frames) { frames_ = frames; }

    // A frame beyond the table is Absent.
    [[nodiscard]] FrameInfo get(Mfn mfn) const {
        return mfn.value() < frames_.size() ? frames_[mfn.value()] : FrameInfo{};
    }
    void set(Mfn first, uint64_t count, FrameUse use, DomainId owner = DomainId{});
    [[nodiscard]] bool is_guest_frame_of(Mfn mfn, DomainId owner) const {
        const FrameInfo info = get(mfn);
        return info.use == FrameUse::Guest && info.owner == owner;
    }
    void add_foreign_mapping(Mfn mfn);
    void drop_foreign_mapping(Mfn mfn);
    // Guest to SetAside and back. `next` links the owner's list here and not inside the frame,
    // where a guest's late write could reach it.
    void set_aside(Mfn mfn, Mfn next) {
        FrameInfo& f = frames_[mfn.value()];
        ASSERT(f.use == FrameUse::Guest && f.foreign_mappings == 0);
        f.use = FrameUse::SetAside;
        f.foreign_mappings = static_cast<uint32_t>(next.value());
    }
    // Free to SetAside.
    void keep_for(Mfn mfn, DomainId owner, Mfn next) {
        FrameInfo& f = frames_[mfn.value()];
        ASSERT(f.use == FrameUse::Free);
        f = {.use = FrameUse::SetAside,
             .owner = owner,
             .foreign_mappings = static_cast<uint32_t>(next.value())};
    }
    // The frame after it in the list.
    Mfn take_back(Mfn mfn) {
        FrameInfo& f = frames_[mfn.value()];
        ASSERT(f.use == FrameUse::SetAside);
        const Mfn next{f.foreign_mappings};
        f.use = FrameUse::Guest;
        f.foreign_mappings = 0;
        return next;
    }
    [[nodiscard]] uint64_t frame_count() const { return frames_.size(); }
    [[nodiscard]] uint64_t count(FrameUse use) const;

  private:
    std::span<FrameInfo> frames_;
};

// The table of this machine; empty until boot has sized it.
inline constinit FrameTable machine_frames;

}  // namespace hv::mm
