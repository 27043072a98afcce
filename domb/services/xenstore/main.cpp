// SPDX-License-Identifier: Apache-2.0
// The Xenstore service: a server (server.hpp) for every domain of the plan, over the ring pages
// that they share by grant entry 1. Its first module is the initial tree. It hears of the end of a
// domain by VIRQ_DOM_EXC and asks the hypervisor whose it was; what a ring page reads like is for
// its domain to say, and means nothing.
#include "domb/rt/main.hpp"

#include "domb/rt/event_channels.hpp"
#include "domb/rt/grants.hpp"
#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"
#include "domb/rt/random.hpp"
#include "domb/rt/start_info.hpp"
#include "domb/services/plan.hpp"
#include "domb/services/xenstore/initial_tree.hpp"
#include "domb/services/xenstore/server.hpp"
#include "hv/abi/xen_domctl.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/base/assert.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/base/text.hpp"

#include <span>

namespace {

using hv::abi::ServicePlanEntry;
using xenstore::Server;

struct Served {
    hv::DomainId domain{};
    uint32_t port = 0;
    bool is_there = true;
};

class Domains final : public xenstore::Outside {
  public:
    Domains(rt::EventChannels& events, std::span<const ServicePlanEntry> plan) : events_{events} {
        for (const ServicePlanEntry& entry : plan) {
            ASSERT(all_.push({hv::DomainId{entry.domid}, entry.local_port}).ok());
        }
    }
    [[nodiscard]] std::span<Served> all() { return {all_.begin(), all_.size()}; }

    // Rings are in the plan; nobody has the right to introduce others.
    xenstore::Result<hv::abi::XenstoreDomainInterface*> map_ring(hv::DomainId, uint64_t,
                                                                 uint32_t) override {
        return hv::Err{xenstore::Error::Invalid};
    }
    // The hypervisor has taken the page away with its domain.
    void unmap_ring(hv::DomainId) override {}
    void notify(hv::DomainId domain) override {
        for (const Served& served : all_) {
            if (served.domain == domain) {
                events_.notify(served.port);
            }
        }
    }
    void print(std::string_view line) override {
        rt::write(line);
        rt::write("\n");
    }

  private:
    rt::EventChannels& events_;
    hv::StaticVector<Served, service::max_served> all_;
};

void say(hv::DomainId domain, std::string_view what) {
    hv::TextOf<100> line;
    line.put("xenstore: domain ").dec(domain.value()).put(": ").put(what).put("\n");
    rt::write(line.view());
}

// Its end is known, or it never began: domB may have refused it.
bool has_gone(hv::abi::DomctlGetDomainState& state) {
    return rt::hypercall(rt::Hypercall::domctl, &state) != 0;
}

void look_who_ended(Server& server, std::span<Served> domains) {
    for (Served& served : domains) {
        hv::abi::DomctlGetDomainState state{};
        state.cmd = static_cast<uint32_t>(hv::abi::Domctl::XEN_DOMCTL_get_domain_state);
        state.domain = served.domain.value();
        if (!served.is_there) {
            continue;
        }
        if (has_gone(state)) {
            served.is_there = false;
            server.bury(served.domain);
        } else if ((state.state & hv::abi::XEN_DOMCTL_GETDOMSTATE_STATE_SHUTDOWN) != 0) {
            server.shut_down(served.domain);
        }
    }
}

void load_initial_tree(Server& server, const rt::StartInfo& info) {
    if (info.module_count() < 2) {
        PANIC("no initial tree");
    }
    const auto loaded = xenstore::load_tree(server, info.module(0));
    if (!loaded.ok()) {
        hv::TextOf<100> line;
        line.put("xenstore: the initial tree has fault ");
        line.dec(static_cast<uint64_t>(loaded.error().fault));
        line.put(" in record ").dec(loaded.error().record).put("\n");
        rt::write(line.view());
        rt::shutdown(rt::ShutdownReason::SHUTDOWN_crash);
    }
}

void connect(Server& server, const Served& served, size_t index) {
    const auto page =
        rt::map_grant(served.domain, hv::GrantRef{hv::abi::GNTTAB_RESERVED_XENSTORE}, index);
    if (!page.ok()) {
        say(served.domain, "has no ring");  // It ended first.
        return;
    }
    // SAFETY: a whole page that the domain shares as its Xenstore ring.
    auto& ring = *reinterpret_cast<hv::abi::XenstoreDomainInterface*>(page.value().page.data());
    ASSERT(server.connect(served.domain, ring).ok());
}

// Without random numbers it is the time to the cycle: less than a secret, more than a constant.
xenstore::HashKey make_hash_key() {
    const auto low = rt::random_number();
    const auto high = rt::random_number();
    if (low && high) {
        return {*low, *high};
    }
    rt::write("xenstore: the CPU has no random numbers: the hash key is the time\n");
    const uint64_t first = rt::read_tsc();
    return {first, rt::read_tsc()};
}

Server& start_server(const rt::StartInfo& info, Domains& domains) {
    xenstore::Config config;
    config.clients = static_cast<uint32_t>(domains.all().size());
    config.hash_key = make_hash_key();
    const auto memory = info.free_memory();
    if (memory.size() < Server::memory_needed(config)) {
        PANIC("too little memory for so many domains");
    }
    Server& server = Server::start(memory, config, domains);
    for (const Served& served : domains.all()) {
        ASSERT(server.add_domain(served.domain).ok());
    }
    load_initial_tree(server, info);
    for (size_t i = 0; i < domains.all().size(); ++i) {
        connect(server, domains.all()[i], i);
    }
    return server;
}

}  // namespace

void rt::domain_main(uint64_t start_info) {
    const StartInfo info{start_info};
    EventChannels events = EventChannels::start();
    const uint32_t ends = events.bind_virq(hv::abi::Virq::VIRQ_DOM_EXC);
    Domains domains{events, service::find_plan(info, hv::abi::xenstore_plan_magic)};
    Server& server = start_server(info, domains);
    look_who_ended(server, domains.all());

    hv::StaticVector<uint32_t, service::max_served + 1> ports;
    ASSERT(ports.push(ends).ok());
    for (const Served& served : domains.all()) {
        ASSERT(ports.push(served.port).ok());
    }
    while (true) {
        for (const Served& served : domains.all()) {
            events.clear(served.port);
        }
        if (events.clear(ends)) {
            look_who_ended(server, domains.all());
        }
        if (!server.serve_all()) {
            events.wait({ports.begin(), ports.size()});
        }
    }
}
