// SPDX-License-Identifier: Apache-2.0
// Session: what the store remembers of one client beside its nodes: its watches, the events it has
// not read, its open transactions. The lists are in the store's memory, paid by the client.
#pragma once

#include "domb/services/xenstore/accounts.hpp"
#include "domb/services/xenstore/permissions.hpp"

namespace xenstore {

struct Session {
    Actor actor{};
    AccountId account{};
    Block first_watch{};
    Block first_event{};  // the oldest
    Block last_event{};
    uint32_t overflowed_watches = 0;  // see watch.hpp
    Block first_transaction{};
    uint32_t last_transaction_id = 0;

    // Privileged clients are bounded by memory only.
    [[nodiscard]] bool exceeds(uint32_t used, uint32_t limit) const {
        return !actor.is_privileged && used > limit;
    }
};

}  // namespace xenstore
