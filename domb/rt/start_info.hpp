// SPDX-License-Identifier: Apache-2.0
// What domB left for a small domain: modules and command line. Written by domB, whom the domain has
// to believe: it could have written the domain's code as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace rt {

class StartInfo {
  public:
    // `gpaddr` is what domain_main got.
    explicit StartInfo(uint64_t gpaddr) : gpaddr_{gpaddr} {}

    [[nodiscard]] size_t module_count() const;
    [[nodiscard]] std::span<const std::byte> module(size_t index) const;
    [[nodiscard]] std::string_view command_line() const;
    // RAM behind the domain's image that nothing of what domB left lies in.
    [[nodiscard]] std::span<std::byte> free_memory() const;
    // Address of the root of the ACPI tables.
    [[nodiscard]] uint64_t rsdp() const;

  private:
    uint64_t gpaddr_;
};

}  // namespace rt
