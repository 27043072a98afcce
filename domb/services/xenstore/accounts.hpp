// SPDX-License-Identifier: Apache-2.0
// Accounts: one per domain, and one of the system for what no domain pays for. An account's memory
// is reserved when it is opened, so that no domain can use up what another one was promised.
#pragma once

#include "domb/services/xenstore/block_pool.hpp"
#include "domb/services/xenstore/error.hpp"
#include "domb/services/xenstore/quota.hpp"
#include "hv/base/address.hpp"

#include <array>

namespace xenstore {

inline constexpr size_t max_domains = 64;  // more than domains in a launch graph
inline constexpr size_t max_accounts = max_domains + 1;

using AccountId = hv::Number<struct AccountTag, uint8_t>;
inline constexpr AccountId system_account{};

struct Usage {
    uint32_t nodes = 0;
    uint32_t watches = 0;
    uint32_t transactions = 0;
    uint32_t events = 0;
    uint32_t blocks = 0;
    friend bool operator==(const Usage&, const Usage&) = default;
};

struct Account {
    bool is_open = false;
    hv::DomainId domain{};
    Quota quota{};
    Usage usage{};
    uint32_t reserved = 0;  // blocks: a transaction that is being committed will use them
};

class Accounts {
  public:
    // The system's account keeps `system_bytes` of the pool's blocks.
    Accounts(size_t pool_blocks, uint32_t system_bytes);

    Result<AccountId> open(hv::DomainId domain, const Quota& quota);
    // Nothing may be charged to it any more.
    void close(AccountId id);

    // The account that pays for what the domain owns.
    [[nodiscard]] AccountId of(hv::DomainId domain) const;

    Account& operator[](AccountId id) { return accounts_[id.value()]; }
    const Account& operator[](AccountId id) const { return accounts_[id.value()]; }

    // Changes how much memory the account may use; ENOMEM if others have been promised it.
    Done set_memory(AccountId id, uint32_t bytes);

    static constexpr uint32_t blocks_in(uint32_t bytes) { return bytes / block_size; }

  private:
    std::array<Account, max_accounts> accounts_{};
    size_t unreserved_;  // blocks
};

}  // namespace xenstore
