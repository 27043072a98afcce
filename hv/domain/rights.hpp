// SPDX-License-Identifier: Apache-2.0
// Who may reach another domain's memory without a grant: what Xen calls privilege over a domain.
// Asked by memory_op and mmu_update. The builder's right on domains under construction is its own,
// and goes with it; a control domain's is here. No manifest can name the role `control` yet.
#pragma once

#include "hv/domain/domain.hpp"

namespace hv::domain {

inline bool controls_others(const Domain& domain) {
    return domain.roles.has(launch::Role::Control);
}
inline bool controls(const Domain& domain, const Domain& other) {
    return controls_others(domain) && domain.id != other.id;
}

}  // namespace hv::domain
