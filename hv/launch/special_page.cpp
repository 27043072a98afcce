// SPDX-License-Identifier: Apache-2.0
#include "hv/base/assert.hpp"
#include "hv/launch/create.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv::hyperlaunch {

void add_special_page(boot::Machine& m, domain::Domain& d, Gfn gfn) {
    auto frame = m.arena.frames(1);
    ASSERT(frame.ok());
    mm::machine_frames.set(frame.value(), 1, mm::FrameUse::Guest, d.id);
    // Not counted as RAM, so the domain must not give it back as that.
    mm::machine_frames.add_foreign_mapping(frame.value());
    ASSERT(d.p2m.map(gfn, frame.value(), 1, mm::Access::ReadWrite).ok());
    d.overhead_bytes += page_size;
}

}  // namespace hv::hyperlaunch
