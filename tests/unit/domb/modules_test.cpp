// SPDX-License-Identifier: Apache-2.0
// What is hashed is what will be placed, even if the loader's memory changes in between.
#include "domb/builder/modules.hpp"

#include "hv/base/address.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace builder {
namespace {

// Memory that is mapped twice.
class TwiceMapped {
  public:
    explicit TwiceMapped(size_t bytes) : bytes_{bytes}, file_{memfd_create("twice", 0)} {
        EXPECT_EQ(ftruncate(file_, static_cast<off_t>(bytes)), 0);
        for (std::span<std::byte>& view : views_) {
            void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
            EXPECT_NE(at, MAP_FAILED);
            view = {static_cast<std::byte*>(at), bytes};
        }
    }
    ~TwiceMapped() {
        for (const std::span<std::byte> view : views_) {
            munmap(view.data(), bytes_);
        }
        close(file_);
    }
    TwiceMapped(const TwiceMapped&) = delete;
    TwiceMapped& operator=(const TwiceMapped&) = delete;
    [[nodiscard]] std::span<std::byte> view(size_t number) const { return views_[number]; }

  private:
    size_t bytes_;
    int file_;
    std::array<std::span<std::byte>, 2> views_{};
};

// The copy is the module's own memory, a page further down: copying changes what is copied.
TEST(Modules, a_module_that_changes_meanwhile_is_hashed_as_it_was_copied) {
    constexpr size_t pages = 16;
    const TwiceMapped memory{(pages + 1) * hv::page_size};
    const auto source = memory.view(0).subspan(hv::page_size);
    for (size_t i = 0; i < source.size(); ++i) {
        source[i] = static_cast<std::byte>(i / hv::page_size + 1);
    }
    const std::vector<std::byte> before{source.begin(), source.end()};
    const std::array<std::span<const std::byte>, 1> sources{source};
    Arena arena{memory.view(1).first(pages * hv::page_size)};
    measure::BankSet banks;
    banks.add(measure::Algorithm::Sha256);
    Modules modules{sources, arena, banks};
    const auto module = modules.load(0);
    ASSERT_TRUE(module.ok());
    EXPECT_FALSE(std::equal(source.begin(), source.end(), before.begin()));
    EXPECT_EQ(module.value()->digests, measure::hash(banks, module.value()->contents));
    EXPECT_NE(module.value()->digests, measure::hash(banks, source));
}

}  // namespace
}  // namespace builder
