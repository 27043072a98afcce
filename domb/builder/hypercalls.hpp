// SPDX-License-Identifier: Apache-2.0
// The real Hypervisor: Xen's memory operations for the contents of a domain, and LAUNCH_OP.
#pragma once

#include "domb/builder/arena.hpp"
#include "domb/builder/hypervisor.hpp"
#include "hv/abi/launch_op.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace builder {

// Fills `info`.
Done get_info(hv::abi::LaunchInfo& info);

class Hypercalls final : public Hypervisor {
  public:
    // Pages mapped by one hypercall: a hypercall costs as much as copying 10 KiB.
    static constexpr size_t batch_pages = 1024;

    // `window` are unused guest addresses for foreign pages, mapped by our page tables already.
    // When the window is used up, its places are emptied and used again, which costs a hypercall
    // for each page: the hypervisor had better give as many addresses as the domains have pages.
    static hv::Result<Hypercalls, OutOfMemory> create(std::span<std::byte> window, Arena& arena);

    Done write(hv::DomainId domain, hv::GuestPaddr at, std::span<const std::byte> bytes) override;
    Done zero(hv::DomainId domain, hv::GuestPaddr at, uint64_t bytes) override;
    Done write_frames(hv::DomainId domain, std::span<const hv::Gfn> frames, uint64_t offset,
                      std::span<const std::byte> bytes) override;
    Done zero_frames(hv::DomainId domain, std::span<const hv::Gfn> frames, uint64_t offset,
                     uint64_t bytes) override;
    Done set_memory_map(hv::DomainId domain, const layout::MemoryMap& map) override;
    Done set_vcpu(hv::DomainId domain, uint32_t eip, uint32_t ebx) override;
    Done set_pv_vcpu(hv::DomainId domain, const PvStart& start) override;
    Done built(hv::DomainId domain) override;
    Done refused(hv::DomainId domain, std::string_view why) override;
    Done cap(uint64_t log_used, bool measured) override;
    void record(std::string_view line) override;
    void print(std::string_view line) override;

  private:
    // Argument lists of XENMEM_add_to_physmap_batch.
    struct Batch {
        std::array<uint64_t, batch_pages> idxs;
        std::array<uint64_t, batch_pages> gpfns;
        std::array<int32_t, batch_pages> errs;
    };

    Hypercalls(std::span<std::byte> window, Batch& batch) : window_{window}, batch_{batch} {}
    template <class FrameAt, class Fill>
    Done for_each_piece(hv::DomainId domain, FrameAt frame_at, uint64_t offset, uint64_t bytes,
                        Fill fill);
    // A place for the frames that batch_.idxs has been given; where they then are.
    std::span<std::byte> take_place(size_t pages);
    Done map(hv::DomainId domain, std::span<std::byte> place);
    void unmap(std::span<std::byte> place);

    std::span<std::byte> window_;
    size_t window_used_ = 0;
    bool is_reused_ = false;
    Batch& batch_;
};

}  // namespace builder
