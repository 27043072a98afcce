// SPDX-License-Identifier: Apache-2.0
// What one domain may have in the store. The defaults are xenstored's; `events` is oxenstored's.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace xenstore {

struct Quota {
    uint32_t nodes = 1000;
    uint32_t watches = 128;
    uint32_t transactions = 10;         // open at a time
    uint32_t node_size = 2048;          // bytes of a value
    uint32_t node_permissions = 5;      // entries of one node, with the owner's
    uint32_t transaction_nodes = 1024;  // nodes that one transaction looks at
    uint32_t events = 256;              // waiting for the client to read them
    uint32_t memory = 2560 * 1024;      // bytes, of everything above
};

// By the name that GET_QUOTA and SET_QUOTA use.
struct QuotaName {
    std::string_view name;
    uint32_t Quota::*field;
};
inline constexpr std::array<QuotaName, 8> quota_names{{
    {"nodes", &Quota::nodes},
    {"watches", &Quota::watches},
    {"transactions", &Quota::transactions},
    {"node-size", &Quota::node_size},
    {"node-permissions", &Quota::node_permissions},
    {"transaction-nodes", &Quota::transaction_nodes},
    {"events", &Quota::events},
    {"memory", &Quota::memory},
}};

}  // namespace xenstore
