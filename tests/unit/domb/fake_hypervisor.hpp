// SPDX-License-Identifier: Apache-2.0
// A hypervisor for domB's logic: remembers the contents of each domain's RAM and what was said
// about it, and refuses on request.
#pragma once

#include "domb/builder/hypervisor.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace test {

struct FakeDomain {
    std::map<uint64_t, std::vector<std::byte>> ram;  // what was written, by address
    std::map<uint64_t, uint64_t> zeroed;             // bytes that were zeroed, by address
    std::optional<builder::layout::MemoryMap> memory_map;
    uint32_t eip = 0;
    uint32_t ebx = 0;
    std::optional<builder::PvStart> pv_start;
    std::optional<hv::abi::LaunchOutcome> outcome;
    std::string refused_for;

    // Bytes that one write put there in one piece.
    [[nodiscard]] std::vector<std::byte> read(uint64_t at, size_t bytes) const {
        auto next = ram.upper_bound(at);
        if (next == ram.begin()) {
            return {};
        }
        const auto& [start, contents] = *--next;
        if (at - start + bytes > contents.size()) {
            return {};
        }
        const auto first = contents.begin() + static_cast<ptrdiff_t>(at - start);
        return {first, first + static_cast<ptrdiff_t>(bytes)};
    }
    template <class T>
    [[nodiscard]] T read_object(uint64_t at) const {
        T value{};
        if (const auto bytes = read(at, sizeof(T)); bytes.size() == sizeof(T)) {
            memcpy(&value, bytes.data(), sizeof(T));
        }
        return value;
    }
};

// The RAM of PV domains, frame by frame; what nobody wrote is not zero.
using FakeFrame = std::array<std::byte, hv::page_size>;

class FakeFrames {
  public:
    [[nodiscard]] bool is_written(hv::Gfn frame) const { return frames_.contains(frame); }
    FakeFrame& at(hv::Gfn frame) {
        const auto [it, is_new] = frames_.try_emplace(frame);
        if (is_new) {
            it->second.fill(std::byte{0xa5});
        }
        return it->second;
    }
    template <class T>
    T read(hv::GuestPaddr at_address) {
        T value{};
        const uint64_t offset = hv::page_offset(at_address.value());
        memcpy(&value, at(hv::to_gfn(at_address)).data() + offset, sizeof(T));
        return value;
    }
    // The parts of frame_at(0), frame_at(1), ... that hold `bytes` bytes from `offset` on:
    // fill(part, index of its first byte).
    template <class FrameAt, class Fill>
    void for_each_part(FrameAt frame_at, uint64_t offset, uint64_t bytes, Fill fill) {
        for (uint64_t i = 0; i < bytes;) {
            const uint64_t where = offset + i;
            const uint64_t in_frame = hv::page_offset(where);
            const uint64_t n = std::min(bytes - i, hv::page_size - in_frame);
            fill(std::span{at(frame_at(where / hv::page_size))}.subspan(in_frame, n), i);
            i += n;
        }
    }

  private:
    std::map<hv::Gfn, FakeFrame> frames_;
};

// Fills parts with `bytes`.
inline auto copy_of(std::span<const std::byte> bytes) {
    return [bytes](std::span<std::byte> part, uint64_t i) {
        std::ranges::copy(bytes.subspan(i, part.size()), part.begin());
    };
}

class FakeHypervisor final : public builder::Hypervisor {
  public:
    builder::Done write(hv::DomainId domain, hv::GuestPaddr at,
                        std::span<const std::byte> bytes) override {
        if (refuse()) {
            return hv::Err{builder::HypercallError{14}};
        }
        if (keeps_frames) {
            frames[domain.value()].for_each_part([at](uint64_t i) { return hv::to_gfn(at) + i; },
                                                 hv::page_offset(at.value()), bytes.size(),
                                                 copy_of(bytes));
        } else if (!bytes.empty()) {
            domains[domain.value()].ram[at.value()].assign(bytes.begin(), bytes.end());
        }
        return hv::Ok{};
    }
    builder::Done zero(hv::DomainId domain, hv::GuestPaddr at, uint64_t bytes) override {
        if (refuse()) {
            return hv::Err{builder::HypercallError{14}};
        }
        if (bytes != 0) {
            domains[domain.value()].zeroed[at.value()] = bytes;
        }
        return hv::Ok{};
    }
    builder::Done write_frames(hv::DomainId domain, std::span<const hv::Gfn> gfns, uint64_t offset,
                               std::span<const std::byte> bytes) override {
        if (refuse()) {
            return hv::Err{builder::HypercallError{14}};
        }
        EXPECT_EQ(gfns.size(), (offset + bytes.size() + hv::page_size - 1) / hv::page_size);
        frames[domain.value()].for_each_part([gfns](uint64_t i) { return gfns[i]; }, offset,
                                             bytes.size(), copy_of(bytes));
        return hv::Ok{};
    }
    builder::Done zero_frames(hv::DomainId domain, std::span<const hv::Gfn> gfns, uint64_t offset,
                              uint64_t bytes) override {
        if (refuse()) {
            return hv::Err{builder::HypercallError{14}};
        }
        EXPECT_EQ(gfns.size(), (offset + bytes + hv::page_size - 1) / hv::page_size);
        frames[domain.value()].for_each_part(
            [gfns](uint64_t i) { return gfns[i]; }, offset, bytes,
            [](std::span<std::byte> part, uint64_t) { std::ranges::fill(part, std::byte{0}); });
        return hv::Ok{};
    }
    builder::Done set_memory_map(hv::DomainId domain,
                                 const builder::layout::MemoryMap& map) override {
        if (refuse()) {
            return hv::Err{builder::HypercallError{22}};
        }
        domains[domain.value()].memory_map = map;
        return hv::Ok{};
    }
    builder::Done set_vcpu(hv::DomainId domain, uint32_t eip, uint32_t ebx) override {
        if (refuse()) {
            return hv::Err{builder::HypercallError{22}};
        }
        domains[domain.value()].eip = eip;
        domains[domain.value()].ebx = ebx;
        return hv::Ok{};
    }
    builder::Done set_pv_vcpu(hv::DomainId domain, const builder::PvStart& start) override {
        if (refuse()) {
            return hv::Err{builder::HypercallError{22}};
        }
        domains[domain.value()].pv_start = start;
        return hv::Ok{};
    }
    builder::Done built(hv::DomainId domain) override {
        return decide(domain, hv::abi::LaunchOutcome::Ready, {});
    }
    builder::Done refused(hv::DomainId domain, std::string_view why) override {
        return decide(domain, hv::abi::LaunchOutcome::Refused, why);
    }
    builder::Done cap(uint64_t log_used, bool measured) override {
        capped = {log_used, measured};
        return hv::Ok{};
    }
    void record(std::string_view line) override { records.emplace_back(line); }
    void print(std::string_view line) override { printed += line; }

    std::map<uint16_t, FakeDomain> domains;
    std::map<uint16_t, FakeFrames> frames;
    bool keeps_frames = false;  // write() goes to `frames`, too, and not to FakeDomain::ram
    std::optional<std::pair<uint64_t, bool>> capped;
    std::vector<std::string> records;
    std::string printed;
    // Operations on contents that succeed before one is refused; negative: all.
    int refuse_after = -1;
    std::set<uint16_t> refuses_outcomes_of;

  private:
    builder::Done decide(hv::DomainId domain, hv::abi::LaunchOutcome outcome,
                         std::string_view why) {
        if (refuses_outcomes_of.contains(domain.value())) {
            return hv::Err{builder::HypercallError{16}};
        }
        domains[domain.value()].outcome = outcome;
        domains[domain.value()].refused_for = why;
        return hv::Ok{};
    }
    bool refuse() { return refuse_after >= 0 && refuse_after-- == 0; }
};

}  // namespace test
