// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/defaults.hpp"

#include <algorithm>

namespace launch::model {

bool has_role(const DomainSpec& domain, Role role) {
    return std::any_of(domain.roles.begin(), domain.roles.end(),
                       [role](const At<Role>& r) { return r.value == role; });
}

const DomainSpec* holder_of(const Manifest& manifest, Role role) {
    for (const DomainSpec& domain : manifest.domains) {
        if (has_role(domain, role)) {
            return &domain;
        }
    }
    return nullptr;
}

bool needs_launcher(const Manifest& manifest) {
    return std::any_of(manifest.domains.begin(), manifest.domains.end(), [](const DomainSpec& d) {
        return !d.after.empty() || d.ready.when.value != ReadyWhen::Started ||
               d.on_failure.value != Policy::Ignore || d.on_crash.value != Policy::Ignore ||
               has_role(d, Role::Recovery);
    });
}

Uuid uuid_of(const DomainSpec& domain) {
    return domain.uuid ? domain.uuid->value : derive_uuid(domain.name.value);
}

Mac mac_of(const DomainSpec& domain, size_t index) {
    const auto& stated = domain.nets[index].mac;
    return stated ? stated->value : derive_mac(uuid_of(domain), index);
}

std::string_view backend_of(const Manifest& manifest, const DomainSpec& domain,
                            const ChannelSpec& channel) {
    if (!channel.backend.value.empty()) {
        return channel.backend.value;
    }
    const DomainSpec* holder = holder_of(manifest, Role::Console);
    if (holder == nullptr) {
        return console_name;
    }
    return holder == &domain ? std::string_view{} : std::string_view{holder->name.value};
}

}  // namespace launch::model
