// SPDX-License-Identifier: Apache-2.0
// A hypervisor for domB's logic: remembers the contents of each domain's RAM and what was said
// about it, and refuses on request.
#pragma once

#include "domb/builder/hypervisor.hpp"

#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace test {

struct FakeDomain {
    std::map<uint64_t, std::vector<std::byte>> ram;  // what was written, by address
    std::map<uint64_t, uint64_t> zeroed;             // bytes that were zeroed, by address
    std::optional<builder::layout::MemoryMap> memory_map;
    uint32_t eip = 0;
    uint32_t ebx = 0;
    std::optional<hv::abi::LaunchOutcome> outcome;

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

class FakeHypervisor final : public builder::Hypervisor {
  public:
    builder::Done write(hv::DomainId domain, hv::GuestPaddr at,
                        std::span<const std::byte> bytes) override {
        if (refuse()) {
            return hv::Err{builder::HypercallError{14}};
        }
        if (!bytes.empty()) {
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
    builder::Done built(hv::DomainId domain, hv::abi::LaunchOutcome outcome) override {
        if (refuses_outcomes) {
            return hv::Err{builder::HypercallError{16}};
        }
        domains[domain.value()].outcome = outcome;
        return hv::Ok{};
    }
    builder::Done cap(uint64_t log_used, bool measured) override {
        capped = {log_used, measured};
        return hv::Ok{};
    }
    void record(std::string_view line) override { records.emplace_back(line); }
    void print(std::string_view line) override { printed += line; }

    std::map<uint16_t, FakeDomain> domains;
    std::optional<std::pair<uint64_t, bool>> capped;
    std::vector<std::string> records;
    std::string printed;
    // Operations on contents that succeed before one is refused; negative: all.
    int refuse_after = -1;
    bool refuses_outcomes = false;

  private:
    bool refuse() { return refuse_after >= 0 && refuse_after-- == 0; }
};

}  // namespace test
