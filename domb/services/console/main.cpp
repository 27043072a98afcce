// SPDX-License-Identifier: Apache-2.0
// The console service: drains the PV console ring of every domain of the plan and passes the bytes
// to the hypervisor's UART under that domain's name. No domain waits for another one's console, nor
// for the UART: its ring has room again before its bytes go out.
#include "domb/rt/main.hpp"

#include "domb/rt/event_channels.hpp"
#include "domb/rt/grants.hpp"
#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"
#include "domb/rt/start_info.hpp"
#include "domb/services/console/out_ring.hpp"
#include "domb/services/plan.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/base/assert.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/base/text.hpp"

#include <array>
#include <optional>
#include <span>

namespace {

using console::OutRing;
using hv::abi::ServicePlanEntry;

struct Console {
    hv::DomainId domain{};
    uint32_t port = 0;
    std::optional<OutRing> ring{};  // empty once the domain has ended
};

using Consoles = hv::StaticVector<Console, service::max_served>;

void write_for(hv::DomainId domain, std::string_view text) {
    rt::hypercall(rt::Hypercall::console_io, hv::abi::consoleio_write_for,
                  uint64_t{domain.value()} << 32 | text.size(), text.data());
}

Console connect(const ServicePlanEntry& entry, size_t index) {
    Console console{.domain = hv::DomainId{entry.domid}, .port = entry.local_port};
    const auto page =
        rt::map_grant(console.domain, hv::GrantRef{hv::abi::GNTTAB_RESERVED_CONSOLE}, index);
    if (!page.ok()) {
        hv::TextOf<100> line;
        line.put("console: no ring of domain ").dec(entry.domid).put(", status -");
        rt::write(line.dec(static_cast<uint64_t>(-page.error().status)).put("\n").view());
        return console;
    }
    // SAFETY: a whole page that the domain shares as its console ring.
    console.ring.emplace(*reinterpret_cast<hv::abi::XenconsInterface*>(page.value().data()));
    return console;
}

// True if there was something.
bool drain(Console& console, rt::EventChannels& events) {
    static constinit OutRing::Buffer buffer{};
    if (!console.ring) {
        return false;
    }
    events.clear(console.port);
    if (console.ring->is_gone()) {
        console.ring.reset();
        return false;
    }
    const OutRing::Taken taken = console.ring->take(buffer);
    if (taken.text.empty()) {
        return false;
    }
    events.notify(console.port);
    if (taken.lost_bytes != 0) {
        hv::TextOf<60> line;
        line.put("\n[console: ").dec(taken.lost_bytes).put(" bytes lost]\n");
        write_for(console.domain, line.view());
    }
    write_for(console.domain, taken.text);
    return true;
}

}  // namespace

void rt::domain_main(uint64_t start_info) {
    EventChannels events = EventChannels::start();
    static constinit Consoles consoles;
    for (const ServicePlanEntry& entry :
         service::find_plan(StartInfo{start_info}, hv::abi::console_plan_magic)) {
        ASSERT(consoles.push(connect(entry, consoles.size())).ok());
    }
    while (true) {
        bool busy = true;
        while (busy) {
            busy = false;
            for (Console& console : consoles) {
                busy = drain(console, events) || busy;
            }
        }
        hv::StaticVector<uint32_t, service::max_served> ports;
        for (const Console& console : consoles) {
            if (console.ring) {
                ASSERT(ports.push(console.port).ok());
            }
        }
        events.wait({ports.begin(), ports.size()});
    }
}
