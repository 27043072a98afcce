// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/hypercalls.hpp"

#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"
#include "hv/abi/xen_memory.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace builder {
namespace {

using hv::abi::LaunchOp;
using hv::abi::MemoryOp;
using rt::Hypercall;

Done done(int64_t result) {
    if (result < 0) {
        return hv::Err{HypercallError{-result}};
    }
    return hv::Ok{};
}

Done launch_op(LaunchOp op, const void* argument) {
    return done(rt::hypercall(Hypercall::arch_7, op, argument));
}

}  // namespace

Done get_info(hv::abi::LaunchInfo& info) {
    return launch_op(LaunchOp::GetInfo, &info);
}

hv::Result<Hypercalls, OutOfMemory> Hypercalls::create(std::span<std::byte> window, Arena& arena) {
    const auto memory = TRY(arena.take(sizeof(Batch)));
    return Hypercalls{window, *new (memory.data()) Batch};
}

std::span<std::byte> Hypercalls::take_place(size_t pages) {
    ASSERT(pages <= batch_pages && pages * hv::page_size <= window_.size());
    if (window_.size() - window_used_ < pages * hv::page_size) {
        window_used_ = 0;
        is_reused_ = true;
    }
    const auto place = window_.subspan(window_used_, pages * hv::page_size);
    if (is_reused_) {
        unmap(place);
    }
    window_used_ += place.size();
    return place;
}

// batch_.idxs says which frames.
Done Hypercalls::map(hv::DomainId domain, std::span<std::byte> place) {
    const size_t pages = place.size() / hv::page_size;
    for (size_t i = 0; i < pages; ++i) {
        batch_.gpfns[i] = rt::to_argument(place.data()) / hv::page_size + i;
        batch_.errs[i] = 0;
    }
    hv::abi::AddToPhysmapBatch argument{};
    argument.domid = hv::abi::DOMID_SELF;
    argument.space = static_cast<uint16_t>(hv::abi::PhysMapSpace::XENMAPSPACE_gmfn_foreign);
    argument.size = static_cast<uint16_t>(pages);
    argument.u.foreign_domid = domain.value();
    argument.idxs = rt::to_argument(batch_.idxs.data());
    argument.gpfns = rt::to_argument(batch_.gpfns.data());
    argument.errs = rt::to_argument(batch_.errs.data());
    TRY(done(
        rt::hypercall(Hypercall::memory_op, MemoryOp::XENMEM_add_to_physmap_batch, &argument)));
    for (const int32_t error : std::span{batch_.errs}.first(pages)) {
        TRY(done(error));
    }
    return hv::Ok{};
}

void Hypercalls::unmap(std::span<std::byte> place) {
    for (size_t at = 0; at < place.size(); at += hv::page_size) {
        hv::abi::RemoveFromPhysmap argument{};
        argument.domid = hv::abi::DOMID_SELF;
        argument.gpfn = rt::to_argument(place.data() + at) / hv::page_size;
        // Some pages were never mapped: the window's end may have been too short for a batch.
        rt::hypercall(Hypercall::memory_op, MemoryOp::XENMEM_remove_from_physmap, &argument);
    }
}

// Calls fill(mapped bytes) for one piece after the other of the bytes from `offset` in frame_at(0)
// on.
template <class FrameAt, class Fill>
Done Hypercalls::for_each_piece(hv::DomainId domain, FrameAt frame_at, uint64_t offset,
                                uint64_t bytes, Fill fill) {
    const size_t most_pages = std::min(batch_pages, window_.size() / hv::page_size);
    size_t next = 0;
    while (bytes > 0) {
        const uint64_t wanted = hv::align_up(offset + bytes, hv::page_size) / hv::page_size;
        const auto pages = take_place(std::min(most_pages, wanted));
        for (size_t i = 0; i < pages.size() / hv::page_size; ++i) {
            batch_.idxs[i] = frame_at(next++).value();
        }
        TRY(map(domain, pages));
        const size_t n = std::min(bytes, pages.size() - offset);
        fill(pages.subspan(offset, n));
        bytes -= n;
        offset = 0;
    }
    return hv::Ok{};
}

namespace {

auto frames_from(hv::GuestPaddr at) {
    return [first = hv::to_gfn(at)](size_t i) { return first + i; };
}

auto frames_of(std::span<const hv::Gfn> frames) {
    return [frames](size_t i) { return frames[i]; };
}

auto copy_of(std::span<const std::byte> bytes) {
    return [bytes](std::span<std::byte> piece) mutable {
        memcpy(piece.data(), bytes.data(), piece.size());
        bytes = bytes.subspan(piece.size());
    };
}

void fill_with_zeros(std::span<std::byte> piece) {
    memset(piece.data(), 0, piece.size());
}

}  // namespace

Done Hypercalls::write(hv::DomainId domain, hv::GuestPaddr at, std::span<const std::byte> bytes) {
    return for_each_piece(domain, frames_from(at), hv::page_offset(at.value()), bytes.size(),
                          copy_of(bytes));
}

Done Hypercalls::zero(hv::DomainId domain, hv::GuestPaddr at, uint64_t bytes) {
    return for_each_piece(domain, frames_from(at), hv::page_offset(at.value()), bytes,
                          fill_with_zeros);
}

Done Hypercalls::write_frames(hv::DomainId domain, std::span<const hv::Gfn> frames, uint64_t offset,
                              std::span<const std::byte> bytes) {
    return for_each_piece(domain, frames_of(frames), offset, bytes.size(), copy_of(bytes));
}

Done Hypercalls::zero_frames(hv::DomainId domain, std::span<const hv::Gfn> frames, uint64_t offset,
                             uint64_t bytes) {
    return for_each_piece(domain, frames_of(frames), offset, bytes, fill_with_zeros);
}

Done Hypercalls::set_memory_map(hv::DomainId domain, const layout::MemoryMap& map) {
    std::array<hv::abi::E820Entry, layout::MemoryMap::capacity()> entries{};
    std::ranges::transform(map, entries.begin(), [](const layout::MemoryRange& range) {
        return hv::abi::E820Entry{
            static_cast<uint32_t>(range.gpaddr), static_cast<uint32_t>(range.gpaddr >> 32),
            static_cast<uint32_t>(range.bytes), static_cast<uint32_t>(range.bytes >> 32),
            static_cast<uint32_t>(range.type)};
    });
    hv::abi::ForeignMemoryMap argument{};
    argument.domid = domain.value();
    argument.map.nr_entries = static_cast<uint32_t>(map.size());
    argument.map.buffer = rt::to_argument(entries.data());
    return done(rt::hypercall(Hypercall::memory_op, MemoryOp::XENMEM_set_memory_map, &argument));
}

Done Hypercalls::set_vcpu(hv::DomainId domain, uint32_t eip, uint32_t ebx) {
    const hv::abi::LaunchVcpu argument{domain.value(), eip, ebx, 0};
    return launch_op(LaunchOp::SetVcpu, &argument);
}

Done Hypercalls::set_pv_vcpu(hv::DomainId domain, const PvStart& start) {
    const hv::abi::LaunchPvVcpu argument{
        .domid = domain.value(),
        .pad = 0,
        .rip = start.entry.value(),
        .rsp = start.stack.value(),
        .start_info = start.start_info.value(),
        .l4_gfn = start.page_table.value(),
        .hypercall_page = start.hypercall_page.value_or(hv::Gfn{~uint64_t{0}}).value()};
    return launch_op(LaunchOp::SetPvVcpu, &argument);
}

Done Hypercalls::built(hv::DomainId domain) {
    const hv::abi::LaunchBuilt argument{
        .domid = domain.value(), .outcome = hv::abi::LaunchOutcome::Ready, .reason = {}};
    return launch_op(LaunchOp::Built, &argument);
}

Done Hypercalls::refused(hv::DomainId domain, std::string_view why) {
    hv::abi::LaunchBuilt argument{
        .domid = domain.value(), .outcome = hv::abi::LaunchOutcome::Refused, .reason = {}};
    why.copy(argument.reason, sizeof(argument.reason) - 1);
    return launch_op(LaunchOp::Built, &argument);
}

Done Hypercalls::cap(uint64_t log_used, bool measured) {
    const hv::abi::LaunchCap argument{log_used, measured ? 1U : 0U, 0};
    return launch_op(LaunchOp::Cap, &argument);
}

void Hypercalls::record(std::string_view line) {
    const hv::abi::LaunchRecord argument{rt::to_argument(line.data()),
                                         static_cast<uint32_t>(line.size()), 0};
    // A record that is not taken is no reason to stop a launch.
    (void)launch_op(LaunchOp::Record, &argument).ok();
}

void Hypercalls::print(std::string_view line) {
    rt::write(line);
}

}  // namespace builder
