// SPDX-License-Identifier: Apache-2.0
// Physical memory of a test: frames 0 to N-1 behind the direct map, filled with a pattern, so that
// code which forgets to clear a frame is caught. It knows nothing of owners or domains.
#pragma once

#include "hv/base/address.hpp"
#include "hv/mm/direct_map.hpp"

#include <cstring>
#include <vector>

class PhysicalMemory {
  public:
    static constexpr int pattern = 0xa5;  // as a page-table entry: present

    explicit PhysicalMemory(size_t frame_count) : frames_(frame_count) {
        hv::mm::direct_map_base = reinterpret_cast<std::byte*>(frames_.data());
        std::memset(frames_.data(), pattern, frame_count * hv::page_size);
    }
    ~PhysicalMemory() { hv::mm::direct_map_base = nullptr; }
    PhysicalMemory(const PhysicalMemory&) = delete;
    PhysicalMemory& operator=(const PhysicalMemory&) = delete;

    [[nodiscard]] size_t frame_count() const { return frames_.size(); }

  private:
    struct alignas(hv::page_size) Frame {
        std::byte bytes[hv::page_size];
    };
    std::vector<Frame> frames_;
};
