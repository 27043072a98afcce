// SPDX-License-Identifier: Apache-2.0
#include "hv/launch/served_grants.hpp"

#include <algorithm>

namespace hv::hyperlaunch {

namespace {

// A ring of one page has 32 requests, of 32 pages each and one that lists them; and the ring.
constexpr uint64_t of_disk_queue = 32 * (32 + 1) + 1;
// A ring of 256 packets on their way out, that and the one for packets coming in, which are copied.
constexpr uint64_t of_net_queue = 256 + 2;

template <class Devices>
uint64_t count_served(const Devices& devices, const launch::Domain& back) {
    return static_cast<uint64_t>(
        std::count_if(devices.begin(), devices.end(),
                      [&](const auto& device) { return device.backend == back.name; }));
}

}  // namespace

uint64_t served_grants(const launch::Domain& front, const launch::Domain& back) {
    const uint64_t queues = std::min(front.vcpu_count, back.vcpu_count);
    return queues * (count_served(front.disks, back) * of_disk_queue +
                     count_served(front.nets, back) * of_net_queue);
}

uint64_t served_grants(const launch::LaunchGraph& graph, const launch::Domain& back) {
    uint64_t sum = 0;
    for (const launch::Domain& front : graph.domains) {
        sum += served_grants(front, back);
    }
    return sum;
}

void set_grants_apart(const launch::LaunchGraph& graph, const launch::Domain& back,
                      grant::HandleBudget& budget) {
    for (const launch::Domain& front : graph.domains) {
        if (const uint64_t grants = served_grants(front, back); grants != 0) {
            budget.set_apart(front.domid, grants);
        }
    }
}

}  // namespace hv::hyperlaunch
