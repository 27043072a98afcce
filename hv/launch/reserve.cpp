// SPDX-License-Identifier: Apache-2.0
#include "hv/launch/reserve.hpp"

#include "hv/base/assert.hpp"
#include "hv/dev/log.hpp"
#include "hv/domain/physmap.hpp"

namespace hv::hyperlaunch {

namespace {

uint64_t reserve_of(const domain::Domain& d) {
    return d.max_pages - d.tot_pages;
}

// Takes at most `count` frames of what is free there; how many.
uint64_t take_into_reserve(domain::Domain& d, mm::Extents& free_frames, uint64_t count) {
    uint64_t taken = 0;
    while (taken < count && !free_frames.ranges().empty()) {
        const auto frames = free_frames.take_low(count - taken, 1);
        ASSERT(frames.ok());
        domain::keep_in_reserve(d, frames.value());
        taken += frames.value().count;
    }
    return taken;
}

}  // namespace

mm::Extent frames_of(const boot::PhysicalRange& module) {
    const uint64_t bytes = page_offset(module.first.value()) + module.bytes;
    // An empty one may stand where the next one begins.
    const uint64_t count = module.bytes == 0 ? 0 : align_up(bytes, page_size) >> page_shift;
    return {to_mfn(module.first), count};
}

void check_reserves(const boot::Machine& m) {
    uint64_t available = m.free_frames.free_count();
    for (const domain::Domain* d : domain::all()) {
        available += d->is_builder ? d->tot_pages : 0;
    }
    for (const boot::PhysicalRange& module : m.info.modules) {
        available += frames_of(module).count;
    }
    for (const domain::Domain* d : domain::all()) {
        if (reserve_of(*d) > available) {
            TextOf<300> text;
            text.put("domain ").put(d->name).put(" (").put(d->path);
            text.put("): not enough memory for its maximum: needs another ");
            text.dec(reserve_of(*d) >> (20 - page_shift)).put(" MiB, there will be ");
            text.dec(available >> (20 - page_shift)).put(" MiB");
            dev::stop(text.view());
        }
        available -= reserve_of(*d);
    }
}

// Reclaimed frames first: they lie in small pieces, so the large ones stay whole. And it makes the
// proof of the scrubbing strong: a domain with a large reserve gets to see every frame that has
// held a module or was domB's (tests/qemu/launch/reclaimed.sh).
void fill_reserves(boot::Machine& m, mm::Extents& reclaimed) {
    for (domain::Domain* d : domain::all()) {
        const uint64_t wanted = reserve_of(*d);
        if (d->is_builder || wanted == 0) {
            continue;
        }
        const uint64_t from_reclaimed = take_into_reserve(*d, reclaimed, wanted);
        const uint64_t others = take_into_reserve(*d, m.free_frames, wanted - from_reclaimed);
        ASSERT(from_reclaimed + others == wanted);
        dev::Record{"memory-reserved"}
            .with("domid", d->id.value())
            .with("frames", wanted)
            .with("reclaimed", from_reclaimed);
    }
    for (const mm::Extent& rest : reclaimed.ranges()) {
        ASSERT(m.free_frames.add(rest).ok());
    }
}

}  // namespace hv::hyperlaunch
