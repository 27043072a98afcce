// SPDX-License-Identifier: Apache-2.0
// The launcher: starts the domains that hv holds, in the order of the plan.
#include "domb/rt/main.hpp"

#include "domb/rt/event_channels.hpp"
#include "domb/rt/platform.hpp"
#include "domb/rt/start_info.hpp"
#include "domb/services/launcher/plan.hpp"
#include "hv/base/assert.hpp"
#include "hv/base/text.hpp"

namespace {

launcher::Plan find_plan(const rt::StartInfo& info) {
    const size_t count = info.module_count();
    const auto plan = count == 0 ? std::nullopt : launcher::read_plan(info.module(count - 1));
    if (!plan) {
        PANIC("no launcher plan");
    }
    return *plan;
}

}  // namespace

void rt::domain_main(uint64_t start_info) {
    EventChannels events = EventChannels::start();
    const uint32_t ends = events.bind_virq(hv::abi::Virq::VIRQ_DOM_EXC);
    const launcher::Plan plan = find_plan(StartInfo{start_info});
    hv::TextOf<80> line;
    line.put("launcher: ").dec(plan.entries.size()).put(" domains in the plan\n");
    rt::write(line.view());
    while (true) {
        events.clear(ends);
        events.wait({&ends, 1});
    }
}
