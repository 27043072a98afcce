// SPDX-License-Identifier: Apache-2.0
// Audit: counts everything again, and says whether the server's books are right. Used by CONTROL
// check and by tests; changes nothing.
#pragma once

#include "domb/services/xenstore/accounts.hpp"

#include <array>
#include <string_view>

namespace xenstore {

class Server;

struct Audit {
    std::string_view fault{};  // the first thing that is wrong
    std::array<Usage, max_accounts> usage{};
    uint32_t blocks = 0;
    [[nodiscard]] bool is_sound() const { return fault.empty(); }
};

[[nodiscard]] Audit audit_server(Server& server);

}  // namespace xenstore
