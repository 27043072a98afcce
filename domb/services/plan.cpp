// SPDX-License-Identifier: Apache-2.0
#include "domb/services/plan.hpp"

#include "hv/base/assert.hpp"

#include <cstring>

namespace service {

std::span<const hv::abi::ServicePlanEntry> find_plan(const rt::StartInfo& info, uint32_t magic) {
    if (info.module_count() == 0) {
        PANIC("no service plan");
    }
    const auto module = info.module(info.module_count() - 1);
    hv::abi::ServicePlan plan{};
    ASSERT(module.size() >= sizeof(plan));
    memcpy(&plan, module.data(), sizeof(plan));
    ASSERT(plan.magic == magic && plan.count <= max_served &&
           module.size() >= sizeof(plan) + plan.count * sizeof(hv::abi::ServicePlanEntry));
    // SAFETY: domB wrote that many entries, 8-byte aligned.
    return {reinterpret_cast<const hv::abi::ServicePlanEntry*>(module.data() + sizeof(plan)),
            plan.count};
}

std::span<const std::byte> rest_of_plan(const rt::StartInfo& info) {
    const auto module = info.module(info.module_count() - 1);
    hv::abi::ServicePlan plan{};
    memcpy(&plan, module.data(), sizeof(plan));
    return module.subspan(sizeof(plan) + plan.count * sizeof(hv::abi::ServicePlanEntry));
}

}  // namespace service
