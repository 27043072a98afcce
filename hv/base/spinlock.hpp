// SPDX-License-Identifier: Apache-2.0
// A fair spin lock, and the guard that is the proof of holding it. Held with interrupts as they
// are: the hypervisor runs with them off except while idle.
#pragma once

#include <atomic>
#include <cstdint>

namespace hv {

class Spinlock {
  public:
    void lock() {
        const uint32_t mine = next_.fetch_add(1, std::memory_order_relaxed);
        // The acquire pairs with unlock's release: what the last holder wrote is seen.
        while (serving_.load(std::memory_order_acquire) != mine) {
            __builtin_ia32_pause();
        }
    }
    void unlock() { serving_.fetch_add(1, std::memory_order_release); }

  private:
    std::atomic<uint32_t> next_{0};
    std::atomic<uint32_t> serving_{0};
};

class [[nodiscard]] LockGuard {
  public:
    explicit LockGuard(Spinlock& lock) : lock_{lock} { lock_.lock(); }
    ~LockGuard() { lock_.unlock(); }
    LockGuard(const LockGuard&) = delete;
    LockGuard& operator=(const LockGuard&) = delete;

  private:
    Spinlock& lock_;
};

}  // namespace hv
