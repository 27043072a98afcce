// SPDX-License-Identifier: Apache-2.0
// A spin lock, and the guard that is the proof of holding it. Held with interrupts as they are: the
// hypervisor runs with them off except while idle.
//
// Whoever comes first takes it, in no order: under an emulator the processors are threads of a host
// that has other things to do, and a lock with an order waits for the next in line to get its turn
// there, milliseconds each time, while nobody holds it.
#pragma once

#include <atomic>
#include <cstdint>

namespace hv {

class Spinlock {
  public:
    void lock() {
        // The acquire pairs with unlock's release: what the last holder wrote is seen.
        while (is_held_.exchange(true, std::memory_order_acquire)) {
            while (is_held_.load(std::memory_order_relaxed)) {
                __builtin_ia32_pause();
            }
        }
    }
    [[nodiscard]] bool try_lock() { return !is_held_.exchange(true, std::memory_order_acquire); }
    void unlock() { is_held_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> is_held_{false};
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
