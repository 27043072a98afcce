// SPDX-License-Identifier: Apache-2.0
// Where things are in the tree, and who may do what there, for those who write parts of it.
#pragma once

#include "launch-config/binding/launch_graph.hpp"
#include "launch-config/xenstore/tree.hpp"

#include <string>

namespace launch::xenstore {

// Nobody if no domain of the launch has the role.
inline const Domain* holder_of(const LaunchGraph& graph, Role role) {
    for (const Domain& domain : graph.domains) {
        if (domain.roles.has(role)) {
            return &domain;
        }
    }
    return nullptr;
}

inline std::string number_of(const Domain& domain) {
    return std::to_string(domain.domid.value());
}
inline std::string home_of(const Domain& domain) {
    return "/local/domain/" + number_of(domain);
}
inline std::string libxl_home_of(const Domain& domain) {
    return "/libxl/" + number_of(domain);
}

// What nobody may see.
inline Permissions hidden() {
    return {{hv::DomainId{}, 'n'}};
}
// The toolstack's, which the domain may read.
inline Permissions readable_by(const Domain& domain) {
    return {{hv::DomainId{}, 'n'}, {domain.domid, 'r'}};
}
// The domain's alone.
inline Permissions owned_by(const Domain& domain) {
    return {{domain.domid, 'n'}};
}
// One domain's, which another may read: such as the two ends of a device.
inline Permissions shared(const Domain& owner, const Domain& reader) {
    return {{owner.domid, 'n'}, {reader.domid, 'r'}};
}

}  // namespace launch::xenstore
