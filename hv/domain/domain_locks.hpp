// SPDX-License-Identifier: Apache-2.0
// Holds the locks of up to three domains at once, taken in the order of their ids; the same domain
// may be named more than once.
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
        for (size_t n = 0; n < domains_.size(); ++n) {
            if (is_first(n)) {
                domains_[n]->lock.lock();
            }
        }
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

    std::array<Domain*, 3> domains_;
};

}  // namespace hv::domain
