// SPDX-License-Identifier: Apache-2.0
// How many handles a domain has for grants of others: some for anyone's, and a share for each
// domain whose devices it serves, so that no front end can use up what another one's requests need.
// Part of GrantTable, under the lock of the domain that maps.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/assert.hpp"
#include "hv/base/static_vector.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <algorithm>
#include <cstdint>

namespace hv::grant {

class HandleBudget {
  public:
    constexpr HandleBudget() = default;
    // All handles there are, for anyone's grants until shares are set apart.
    void init(size_t handles) {
        common_left_ = handles;
        shares_.clear();
    }
    // Before the domain runs; once for each granter.
    void set_apart(DomainId granter, size_t handles) {
        ASSERT(handles <= common_left_ && find(granter) == nullptr);
        common_left_ -= handles;
        ASSERT(shares_.push({granter, handles}).ok());
    }

    [[nodiscard]] bool has_room(DomainId granter) {
        const Share* const share = find(granter);
        return common_left_ > 0 || (share != nullptr && share->left > 0);
    }
    // Only with room. True: from the granter's share, which is used first.
    [[nodiscard]] bool take(DomainId granter) {
        Share* const share = find(granter);
        const bool is_of_share = share != nullptr && share->left > 0;
        size_t& left = is_of_share ? share->left : common_left_;
        ASSERT(left > 0);
        --left;
        return is_of_share;
    }
    void give_back(DomainId granter, bool is_of_share) {
        ++(is_of_share ? find(granter)->left : common_left_);
    }

  private:
    struct Share {
        DomainId granter{};
        size_t left = 0;
    };
    Share* find(DomainId granter) {
        auto* const found = std::find_if(shares_.begin(), shares_.end(),
                                         [&](const Share& s) { return s.granter == granter; });
        return found == shares_.end() ? nullptr : found;
    }

    size_t common_left_ = 0;
    StaticVector<Share, launch::max_domains> shares_;
};

}  // namespace hv::grant
