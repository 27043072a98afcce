// SPDX-License-Identifier: Apache-2.0
// Several domains' locks at once, with threads as CPUs.
#include "hv/domain/domain_locks.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::DomainId;
using hv::domain::Domain;
using hv::domain::DomainLocks;

class DomainLocksTest : public testing::Test {
  protected:
    DomainLocksTest() {
        for (uint16_t n = 0; n < domains.size(); ++n) {
            domains[n].id = DomainId{static_cast<uint16_t>(n + 1)};
        }
    }
    std::array<Domain, 3> domains;
};

TEST_F(DomainLocksTest, the_same_domain_is_taken_once) {
    Domain& d = domains[1];
    {
        const DomainLocks same{d, d, d};
        EXPECT_FALSE(d.lock.try_lock());
    }
    {
        const DomainLocks two{d, domains[0], d};
        EXPECT_FALSE(d.lock.try_lock());
        EXPECT_FALSE(domains[0].lock.try_lock());
        EXPECT_TRUE(domains[2].lock.try_lock());
    }
    EXPECT_TRUE(d.lock.try_lock());
    EXPECT_TRUE(domains[0].lock.try_lock());
}

// Or a domain could keep another one's lock by keeping its own.
TEST_F(DomainLocksTest, who_waits_for_one_keeps_none) {
    std::atomic<bool> has_begun = false;
    std::atomic<bool> has_all = false;
    Domain& free = domains[0];
    Domain& busy = domains[1];
    busy.lock.lock();
    std::thread waiting{[&] {
        has_begun = true;
        const DomainLocks locks{free, busy};
        has_all = true;
    }};
    while (!has_begun) {
        std::this_thread::yield();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    bool is_free = free.lock.try_lock();
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (!is_free && std::chrono::steady_clock::now() < patience) {
        std::this_thread::yield();
        is_free = free.lock.try_lock();
    }
    EXPECT_TRUE(is_free);
    EXPECT_FALSE(has_all);
    busy.lock.unlock();
    if (is_free) {
        free.lock.unlock();
    }
    waiting.join();
    EXPECT_TRUE(has_all);
    EXPECT_TRUE(free.lock.try_lock());
    EXPECT_TRUE(busy.lock.try_lock());
}

TEST_F(DomainLocksTest, everybody_gets_on_and_nobody_beside_another) {
    constexpr unsigned rounds = 200;
    std::array<uint64_t, 3> counts{};  // each under its domain's lock
    std::vector<std::thread> cpus;
    for (size_t cpu = 0; cpu < 3; ++cpu) {
        cpus.emplace_back([&, cpu] {
            for (unsigned round = 0; round < rounds; ++round) {
                const size_t a = (cpu + round) % 3;
                const size_t b = (cpu + 2 * round) % 3;
                const DomainLocks locks{domains[a], domains[b]};
                ++counts[a];
                ++counts[b];
                std::this_thread::yield();  // not all of them take it in one go
            }
        });
    }
    for (std::thread& cpu : cpus) {
        cpu.join();
    }
    EXPECT_EQ(counts[0] + counts[1] + counts[2], uint64_t{2} * 3 * rounds);
}

}  // namespace
