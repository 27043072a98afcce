// SPDX-License-Identifier: Apache-2.0
// CONTROL, GET_QUOTA and SET_QUOTA.
#include "domb/services/xenstore/audit.hpp"
#include "domb/services/xenstore/server.hpp"

#include <algorithm>

namespace xenstore {
namespace {

Result<uint32_t Quota::*> find_quota(std::string_view name) {
    const auto found = std::find_if(quota_names.begin(), quota_names.end(),
                                    [&](const QuotaName& quota) { return quota.name == name; });
    if (found == quota_names.end()) {
        return hv::Err{Error::Invalid};
    }
    return found->field;
}

}  // namespace

// Only what changes nothing.
Done Server::control(Call& call) {
    const std::string_view command = TRY(call.payload.string());
    if (command == "print") {
        outside_.print(TRY(call.payload.last_string()));
        return call.reply.put_ok();
    }
    if (!call.payload.at_end()) {
        return hv::Err{Error::Invalid};
    }
    if (command == "help") {
        return call.reply.put_string("check help memreport print");
    }
    if (command == "check") {
        const Audit audit = audit_server(*this);
        return call.reply.put_string(audit.is_sound() ? std::string_view{"OK"} : audit.fault);
    }
    if (command == "memreport") {
        return report_memory(call.reply);
    }
    return hv::Err{Error::Invalid};
}

Done Server::report_memory(Reply& reply) {
    hv::TextOf<64> total;
    total.put("blocks ").dec(memory_.pool.used()).put('/').dec(memory_.pool.total()).put('\n');
    TRY(reply.put(total.view()));
    for (uint8_t i = 0; i < max_accounts; ++i) {
        const Account& account = memory_.accounts[AccountId{i}];
        if (account.is_open) {
            hv::TextOf<160> line;
            line.put(i == 0 ? "system" : "domain ");
            if (i != 0) {
                line.dec(account.domain.value());
            }
            line.put(": nodes ").dec(account.usage.nodes).put(", watches ");
            line.dec(account.usage.watches).put(", transactions ");
            line.dec(account.usage.transactions).put(", events ").dec(account.usage.events);
            line.put(", blocks ").dec(account.usage.blocks).put('\n');
            TRY(reply.put(line.view()));
        }
    }
    return reply.put_string("");
}

// [[<domid>|]<quota>|]: of the domain, of domains that are added later, or the names there are.
Done Server::get_quota(Call& call) {
    hv::TextOf<128> text;
    if (call.payload.is_nothing()) {
        for (const QuotaName& known : quota_names) {
            text.put(text.view().empty() ? "" : " ").put(known.name);
        }
        return call.reply.put_string(text.view());
    }
    const Quota* quota = &quota_;
    if (call.payload.strings() > 1) {
        const size_t client = TRY(take_client(call.payload));
        quota = &memory_.accounts[sessions_[client].account].quota;
    }
    const std::string_view name = TRY(call.payload.last_string());
    text.dec(quota->*TRY(find_quota(name)));
    return call.reply.put_string(text.view());
}

// [<domid>|]<quota>|<value>|
Done Server::set_quota(Call& call) {
    std::optional<AccountId> account;
    if (call.payload.strings() > 2) {
        account = sessions_[TRY(take_client(call.payload))].account;
    }
    const std::string_view name = TRY(call.payload.string());
    const auto field = TRY(find_quota(name));
    const uint32_t value = TRY(call.payload.number());
    TRY(call.payload.end());
    if (account && field == &Quota::memory) {
        TRY(memory_.accounts.set_memory(*account, value));
        return call.reply.put_ok();
    }
    Quota* const quota = account ? &memory_.accounts[*account].quota : &quota_;
    quota->*field = value;
    return call.reply.put_ok();
}

}  // namespace xenstore
