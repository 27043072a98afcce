// SPDX-License-Identifier: Apache-2.0
// What the launcher says: messages for people, and the lines of the launch record that
// ARCHITECTURE.md lists as its own.
#pragma once

#include "domb/services/launcher/plan.hpp"
#include "hv/base/text.hpp"

namespace launcher {

// The launch hypercall takes 512 bytes. A message takes less, so that what encodes it fits, too.
using Line = hv::TextOf<500>;
using TextOfMessage = hv::TextOf<300>;

// `domain "net" (/domains/1/ready): `
hv::Text& put_subject(hv::Text& out, const Entry& entry, std::string_view where);
// `60 s`, `1500 ms`
hv::Text& put_duration(hv::Text& out, uint32_t ms);

void put_waiting(Line& out, const Plan& plan, const Entry& entry);
void put_ready(Line& out, const Entry& entry);
void put_failed(Line& out, const Entry& entry, std::string_view reason, launch::Policy policy);

}  // namespace launcher
