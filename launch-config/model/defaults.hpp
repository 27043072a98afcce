// SPDX-License-Identifier: Apache-2.0
// What a domain has when the manifest does not say it. The same manifest always gives the same.
#pragma once

#include "launch-config/model/manifest.hpp"

#include <string_view>

namespace launch::model {

// The service that drains the consoles when no domain of the manifest does.
inline constexpr std::string_view console_name = "console";

[[nodiscard]] bool has_role(const DomainSpec& domain, Role role);
// Who has it; nobody if that is no domain of the manifest.
[[nodiscard]] const DomainSpec* holder_of(const Manifest& manifest, Role role);

// Whether anything of start order, failures or recovery is for the launcher to carry out.
[[nodiscard]] bool needs_launcher(const Manifest& manifest);

[[nodiscard]] Uuid uuid_of(const DomainSpec& domain);
// Of the interface with this index.
[[nodiscard]] Mac mac_of(const DomainSpec& domain, size_t index);
// Who serves a channel: who drains the consoles, unless it says otherwise. Empty if that is the
// domain itself.
[[nodiscard]] std::string_view backend_of(const Manifest& manifest, const DomainSpec& domain,
                                          const ChannelSpec& channel);

}  // namespace launch::model
