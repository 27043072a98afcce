// SPDX-License-Identifier: Apache-2.0
// Physical memory as the boot page tables map it: 512 GiB, zeros, costing only what is touched.
// Whoever reads beyond it faults, as on the machine.
#pragma once

#include "hv/base/assert.hpp"
#include "hv/mm/direct_map.hpp"

#include <cstddef>
#include <cstring>
#include <span>

#include <sys/mman.h>

class MappedMemory {
  public:
    static constexpr size_t bytes = size_t{1} << 39;

    MappedMemory() {
        void* at = mmap(nullptr, bytes + hv::page_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        ASSERT(at != MAP_FAILED);
        base_ = static_cast<std::byte*>(at);
        ASSERT(mprotect(base_ + bytes, hv::page_size, PROT_NONE) == 0);
        hv::mm::direct_map_base = base_;
    }
    ~MappedMemory() {
        munmap(base_, bytes + hv::page_size);
        hv::mm::direct_map_base = nullptr;
    }
    MappedMemory(const MappedMemory&) = delete;
    MappedMemory& operator=(const MappedMemory&) = delete;

    void write(uint64_t address, std::span<const std::byte> contents) {
        std::memcpy(base_ + address, contents.data(), contents.size());
    }

  private:
    std::byte* base_ = nullptr;
};
