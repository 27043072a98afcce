// SPDX-License-Identifier: Apache-2.0
// Holds the locks of up to three domains at once; the same domain may be named more than once.
// Whoever waits for one of them holds none: a guest may name any other domain, and could keep that
// one's lock for as long as its vCPUs keep its own.
#pragma once

#include "hv/domain/domain.hpp"

#include <array>
#include <utility>

namespace hv::domain {

class [[nodiscard]] DomainLocks {
  public:
    DomainLocks(Domain& a, Domain& b) : DomainLocks{a, b, a} {}
    DomainLocks(Domain& a, Domain& b, Domain& c) : domains_{&a, &b, &c} {
        order(0, 1);
        order(1, 2);
        order(0, 1);
        // Lowest id first, so that two CPUs that want the same ones rarely take them from each
        // other; then whichever was not free.
        size_t awaited = 0;
        do {
            domains_[awaited]->lock.lock();
            awaited = try_others(awaited);
        } while (awaited != domains_.size());
    }
    ~DomainLocks() {
        for (size_t n = domains_.size(); n-- > 0;) {
            if (is_first(n)) {
                domains_[n]->lock.unlock();
            }
        }
    }
    DomainLocks(const DomainLocks&) = delete;
    DomainLocks& operator=(const DomainLocks&) = delete;

  private:
    void order(size_t a, size_t b) {
        if (domains_[b]->id < domains_[a]->id) {
            std::swap(domains_[a], domains_[b]);
        }
    }
    [[nodiscard]] bool is_first(size_t n) const { return n == 0 || domains_[n] != domains_[n - 1]; }

    // Takes all but the one that is held. If one is not free: its place, and none is held any more.
    size_t try_others(size_t held) {
        for (size_t n = 0; n < domains_.size(); ++n) {
            if (n == held || !is_first(n) || domains_[n]->lock.try_lock()) {
                continue;
            }
            for (size_t taken = 0; taken < domains_.size(); ++taken) {
                if (taken == held || (taken < n && is_first(taken))) {
                    domains_[taken]->lock.unlock();
                }
            }
            return n;
        }
        return domains_.size();
    }

    std::array<Domain*, 3> domains_;
};

}  // namespace hv::domain
