// SPDX-License-Identifier: Apache-2.0
#include "hv/launch/builder.hpp"

#include "hv/base/assert.hpp"
#include "hv/dev/log.hpp"
#include "hv/domain/physmap.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/launch/measurement.hpp"
#include "hv/launch/reserve.hpp"
#include "hv/svm/svm.hpp"

#include <cstring>

namespace hv::hyperlaunch {

namespace {

constinit abi::LaunchInfo launch_info{};

void must_map(Result<void, mm::P2mError> mapped) {
    if (!mapped.ok()) {
        PANIC("nested page tables of domB are too small for the plan");
    }
}

void copy_in(domain::Domain& builder, GuestPaddr to, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const size_t n = std::min<size_t>(bytes.size(), page_size);
        const bool ok = builder.p2m.with_page(
            to_gfn(to), true, [&](std::byte* page) { std::memcpy(page, bytes.data(), n); });
        ASSERT(ok);
        bytes = bytes.subspan(n);
        to = to + n;
    }
}

// domB may count on zeros behind its image: its bss and page tables.
void zero_ram(const domain::Domain& builder, uint64_t bytes) {
    for (uint64_t at = 0; at < bytes; at += page_size) {
        ASSERT(builder.p2m.with_page(to_gfn(GuestPaddr{at}), true,
                                     [](std::byte* page) { std::memset(page, 0, page_size); }));
    }
}

// What domB is to find under that index: where the loader put it, but of the LCM the copy that hv
// has measured and decoded.
boot::PhysicalRange module_for_builder(const boot::Machine& m, const Plan& plan, uint32_t index) {
    return index == 0 ? boot::PhysicalRange{mm::to_paddr(plan.lcm.data()), plan.lcm.size()}
                      : m.info.modules[index];
}

void map_modules(const boot::Machine& m, const Plan& plan, domain::Domain& builder) {
    GuestPaddr at = builder_modules_at;
    uint32_t& count = launch_info.module_count;
    while (count < m.info.modules.size()) {
        const boot::PhysicalRange module = module_for_builder(m, plan, count);
        const uint64_t offset = page_offset(module.first.value());
        const mm::Extent frames = frames_of(module);
        must_map(builder.p2m.map(to_gfn(at), frames.first, frames.count, mm::Access::ReadOnly));
        launch_info.modules[count++].contents = {at.value() + offset, module.bytes};
        at = at + (frames.count << page_shift);
    }
}

void map_measurement(domain::Domain& builder) {
    const Measurement& measured = measurement();
    if (!measured.is_active) {
        return;
    }
    must_map(builder.p2m.map(to_gfn(builder_log_at), to_mfn(mm::to_paddr(measured.log.data())),
                             measured.log.size() >> page_shift, mm::Access::ReadWrite));
    must_map(builder.p2m.map_device(to_gfn(builder_tpm_at), to_mfn(tpm_base), tpm_localities));
    launch_info.log = {builder_log_at.value(), measured.log.size()};
    launch_info.log_used = measured.log_used;
    launch_info.tpm = {builder_tpm_at.value(), tpm_localities * tpm_locality_bytes};
    launch_info.tpm_locality = measured.locality;
    launch_info.banks = measured.banks.bits();
}

}  // namespace

void equip_builder(const boot::Machine& m, const Plan& plan, domain::Domain& builder) {
    const auto image = measurement().builder_image;
    const uint64_t image_end = align_up(builder_image_at.value() + image.size(), page_size);
    zero_ram(builder, image_end + abi::launch_zeroed_heap_bytes);
    copy_in(builder, builder_image_at, image);
    launch_info.version = 1;
    launch_info.heap = {image_end, (builder.tot_pages << page_shift) - image_end};
    launch_info.window = {to_gpaddr(domain::builder_window_first).value(),
                          domain::builder_window_pages << page_shift};
    map_modules(m, plan, builder);
    map_measurement(builder);
    domain::Vcpu& v = *builder.vcpus[0];
    svm::set_flat32_state(*v.vmcb, v.registers, static_cast<uint32_t>(builder_image_at.value()), 0);
    v.is_initialised = true;
}

const abi::LaunchInfo& builder_info() {
    return launch_info;
}

void strip_builder(domain::Domain& builder) {
    // Page by page, because the frame table counts these mappings: a frame that still counts as
    // mapped by another domain could not be ballooned or replaced by its owner.
    domain::unmap_foreign_range(builder, domain::builder_window_first,
                                domain::builder_window_pages);
    // Unmapping splits nothing: these ranges were mapped as wholes.
    must_map(builder.p2m.unmap(to_gfn(builder_tpm_at), tpm_localities));
    must_map(builder.p2m.unmap(to_gfn(builder_log_at), measurement().log.size() >> page_shift));
    domain::flush_tlb(builder);
}

namespace {

void scrub(mm::Extents& reclaimed, mm::Extent frames) {
    std::memset(mm::direct_map(frames.first), 0, frames.count << page_shift);
    mm::machine_frames.set(frames.first, frames.count, mm::FrameUse::Free);
    ASSERT(reclaimed.add(frames).ok());
}

// Runs of frames that the frame table says are domB's RAM.
void scrub_ram(mm::Extents& reclaimed, const domain::Domain& builder) {
    mm::Extent run{};
    for (Mfn mfn{0}; mfn.value() <= mm::machine_frames.frame_count(); mfn = mfn + 1) {
        if (mm::machine_frames.is_guest_frame_of(mfn, builder.id)) {
            run = run.count == 0 ? mm::Extent{mfn, 1} : mm::Extent{run.first, run.count + 1};
        } else if (run.count > 0) {
            scrub(reclaimed, run);
            run = {};
        }
    }
}

}  // namespace

void reclaim_builder(boot::Machine& m, domain::Domain& builder) {
    static constinit mm::Extents reclaimed;
    uint64_t computed = m.free_frames.free_count() + builder.tot_pages;
    scrub_ram(reclaimed, builder);
    for (const boot::PhysicalRange& module : m.info.modules) {
        scrub(reclaimed, frames_of(module));
        computed += frames_of(module).count;
    }
    m.info.modules.clear();
    dev::Record{"builder-gone"}
        .with("free_frames", m.free_frames.free_count() + reclaimed.free_count())
        .with("reclaimed", reclaimed.free_count())
        .with("computed", computed);
    fill_reserves(m, reclaimed);
}

}  // namespace hv::hyperlaunch
