// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/accounts.hpp"

namespace xenstore {

Accounts::Accounts(size_t pool_blocks, uint32_t system_bytes) : unreserved_{pool_blocks} {
    Account& system = accounts_[system_account.value()];
    ASSERT(blocks_in(system_bytes) <= unreserved_);
    unreserved_ -= blocks_in(system_bytes);
    system.is_open = true;
    system.quota.memory = system_bytes;
}

Result<AccountId> Accounts::open(hv::DomainId domain, const Quota& quota) {
    if (blocks_in(quota.memory) > unreserved_) {
        return hv::Err{Error::NoMemory};
    }
    for (uint8_t i = 1; i < max_accounts; ++i) {
        if (!accounts_[i].is_open) {
            unreserved_ -= blocks_in(quota.memory);
            accounts_[i] = {.is_open = true, .domain = domain, .quota = quota};
            return AccountId{i};
        }
    }
    return hv::Err{Error::NoSpace};
}

void Accounts::close(AccountId id) {
    Account& account = accounts_[id.value()];
    ASSERT(id != system_account && account.usage == Usage{});
    unreserved_ += blocks_in(account.quota.memory);
    account = {};
}

AccountId Accounts::of(hv::DomainId domain) const {
    for (uint8_t i = 1; i < max_accounts; ++i) {
        if (accounts_[i].is_open && accounts_[i].domain == domain) {
            return AccountId{i};
        }
    }
    return system_account;
}

Done Accounts::set_memory(AccountId id, uint32_t bytes) {
    Account& account = accounts_[id.value()];
    const uint32_t before = blocks_in(account.quota.memory);
    const uint32_t after = blocks_in(bytes);
    if (after > before && after - before > unreserved_) {
        return hv::Err{Error::NoMemory};
    }
    if (after < account.usage.blocks) {
        return hv::Err{Error::Invalid};  // what is in use stays promised
    }
    unreserved_ = unreserved_ + before - after;
    account.quota.memory = bytes;
    return hv::Ok{};
}

}  // namespace xenstore
