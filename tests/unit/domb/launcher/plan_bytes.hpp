// SPDX-License-Identifier: Apache-2.0
// PlanBytes: a launcher plan for tests, as domB writes it: a domain per call of add().
#pragma once

#include "domb/services/launcher/plan.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace launcher::test {

template <size_t Size>
void set_text(char (&field)[Size], std::string_view text) {
    std::copy_n(text.begin(), std::min(Size, text.size()), field);
}

class PlanBytes {
  public:
    // Domain ids count from 1; on_failure and on_crash are Ignore, readiness is Started.
    Entry& add(std::string_view name, std::initializer_list<Index> after = {}) {
        Entry entry{};
        entry.domid = static_cast<uint16_t>(entries.size() + 1);
        for (const Index waited : after) {
            entry.after |= uint32_t{1} << waited;
        }
        entry.is_held = entry.after != 0 ? 1 : 0;
        entry.timeout_ms = launch::default_ready_timeout_ms;
        set_text(entry.name, name);
        set_text(entry.path, "/domains/" + std::to_string(entries.size()));
        entries.push_back(entry);
        return entries.back();
    }
    std::span<const std::byte> bytes() {
        head.count = static_cast<uint32_t>(entries.size());
        const size_t size = sizeof(head) + entries.size() * sizeof(Entry);
        aligned_.assign(size / sizeof(uint64_t), 0);
        std::memcpy(aligned_.data(), &head, sizeof(head));
        std::memcpy(aligned_.data() + sizeof(head) / sizeof(uint64_t), entries.data(),
                    size - sizeof(head));
        return std::as_bytes(std::span{aligned_});
    }

    hv::abi::LauncherPlan head{.magic = hv::abi::launcher_plan_magic};
    std::vector<Entry> entries{};

  private:
    std::vector<uint64_t> aligned_;
};

}  // namespace launcher::test
