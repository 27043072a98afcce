// SPDX-License-Identifier: Apache-2.0
// The console service: passes what domains write into their PV consoles and channels to the
// hypervisor's UART, and what the host sends to them. No domain waits for another one's console,
// nor for the UART: its ring has room again before its bytes go out. The consoles of the plan are
// there from the start; channels come and go by Xenstore, if there is one.
#include "domb/rt/main.hpp"

#include "domb/rt/event_channels.hpp"
#include "domb/rt/grants.hpp"
#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"
#include "domb/rt/start_info.hpp"
#include "domb/services/console/channels.hpp"
#include "domb/services/console/drain.hpp"
#include "domb/services/console/input_frames.hpp"
#include "domb/services/console/patterns.hpp"
#include "domb/services/plan.hpp"
#include "domb/services/xenstore_client/own_ring.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/base/assert.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/base/text.hpp"

#include <array>
#include <optional>
#include <span>

namespace {

using console::Channel;
using console::Channels;
using console::Line;
using hv::abi::ServicePlanEntry;

// Of console_io: whose, and how many bytes.
uint64_t whose(const Line& line, size_t bytes) {
    return uint64_t{line.channel()} << 48 | uint64_t{line.domain().value()} << 32 | bytes;
}

// Front ends' rings and event channels, by what any domain may do.
class Links final : public console::Outside {
  public:
    explicit Links(rt::EventChannels& events) : events_{events} {}

    std::optional<console::Link> connect(hv::DomainId domain, hv::GrantRef ring, uint32_t port,
                                         size_t index) override {
        const auto grant = rt::map_grant(domain, ring, service::max_served + index);
        if (!grant.ok()) {
            return std::nullopt;
        }
        const auto local = events_.bind_interdomain(domain, port);
        if (!local) {
            rt::unmap_grant(grant.value());
            return std::nullopt;
        }
        // SAFETY: a whole page that the domain shares as its ring.
        auto* const page = reinterpret_cast<hv::abi::XenconsInterface*>(grant.value().page.data());
        return console::Link{.page = page, .port = *local, .handle = grant.value().handle};
    }
    void disconnect(const console::Link& link) override {
        events_.close(link.port);
        // SAFETY: the page that connect() made this of.
        rt::unmap_grant({.page = {reinterpret_cast<std::byte*>(link.page), hv::page_size},
                         .handle = link.handle});
    }

  private:
    rt::EventChannels& events_;
};

class Service final : public console::DrainOutside {
  public:
    Service(rt::EventChannels& events, const rt::StartInfo& info)
        : events_{events}, input_port_{events.bind_virq(hv::abi::Virq::VIRQ_CONSOLE)} {
        const auto plan = service::find_plan(info, hv::abi::console_plan_magic);
        ASSERT(patterns_.read(service::rest_of_plan(info)));
        for (const ServicePlanEntry& entry : plan) {
            ASSERT(consoles_.push(connect(entry, consoles_.size())).ok());
        }
        if (const auto ring = xenstore_client::find_own_ring()) {
            client_.emplace(*ring->page);
            store_port_ = ring->port;
        }
    }

    // True if there was something to do.
    bool step() {
        bool is_busy = take_input();
        each_line([&](Line& line) { is_busy = console::drain(line, patterns_, *this) || is_busy; });
        return go_on_with_xenstore() || is_busy;
    }

    void clear_event(uint32_t port) override { events_.clear(port); }
    void notify(uint32_t port) override { events_.notify(port); }
    void tell_room(const Line& line, uint16_t bytes) override {
        rt::hypercall(rt::Hypercall::console_io, hv::abi::consoleio_room_for, whose(line, bytes));
    }
    void ask_xenstore() override { go_on_with_xenstore(); }
    void write(const Line& line, std::string_view text) override {
        rt::hypercall(rt::Hypercall::console_io, hv::abi::consoleio_write_for,
                      whose(line, text.size()), text.data());
    }

    void wait() {
        hv::StaticVector<uint32_t, service::max_served + Channels::capacity + 2> ports;
        ASSERT(ports.push(input_port_).ok());
        if (client_) {
            ASSERT(ports.push(store_port_).ok());
        }
        each_line([&](Line& line) {
            if (line.is_attached()) {
                ASSERT(ports.push(line.port()).ok());
            }
        });
        events_.wait({ports.begin(), ports.size()});
    }

  private:
    template <class Work>
    void each_line(Work&& work) {
        for (Line& line : consoles_) {
            work(line);
        }
        for (Channel& channel : channels_.all()) {
            work(channel.line());
        }
    }

    static Line connect(const ServicePlanEntry& entry, size_t index) {
        Line line{hv::DomainId{entry.domid}, 0};
        const auto grant =
            rt::map_grant(line.domain(), hv::GrantRef{hv::abi::GNTTAB_RESERVED_CONSOLE}, index);
        if (!grant.ok()) {
            hv::TextOf<100> text;
            text.put("console: no ring of domain ").dec(entry.domid).put(", status -");
            rt::write(text.dec(static_cast<uint64_t>(-grant.error().status)).put("\n").view());
            return line;
        }
        // SAFETY: a whole page that the domain shares as its console ring.
        line.attach(*reinterpret_cast<hv::abi::XenconsInterface*>(grant.value().page.data()),
                    entry.local_port);
        return line;
    }

    bool take_input() {
        static constinit std::array<char, 512> buffer{};
        events_.clear(input_port_);
        const int64_t count =
            rt::hypercall(rt::Hypercall::console_io, hv::abi::ConsoleIo::CONSOLEIO_read,
                          buffer.size(), buffer.data());
        if (count <= 0) {
            return false;
        }
        std::string_view bytes{buffer.data(), static_cast<size_t>(count)};
        while (const auto piece = frames_.next(bytes)) {
            each_line([&](Line& line) {
                if (line.domain().value() == piece->domain && line.channel() == piece->channel) {
                    console::tell_lost(line, line.put(piece->bytes), *this);
                    if (line.is_attached()) {
                        events_.notify(line.port());
                    }
                }
            });
        }
        return true;
    }

    // True if there was something to do.
    bool go_on_with_xenstore() {
        if (!client_) {
            return false;
        }
        events_.clear(store_port_);
        const bool is_idle = channels_.take_messages(*client_, links_);
        const bool is_busy = patterns_.ask(*client_) || channels_.ask(*client_) || !is_idle;
        if (client_->take_news()) {
            events_.notify(store_port_);
        }
        if (client_->fault() != xenstore_client::Fault::None) {
            rt::write("console: Xenstore makes no sense: no channel comes or goes any more\n");
            client_.reset();
        }
        return is_busy;
    }

    rt::EventChannels& events_;
    uint32_t input_port_;
    uint32_t store_port_ = 0;
    Links links_{events_};
    std::optional<xenstore_client::Client> client_{};
    hv::StaticVector<Line, service::max_served> consoles_{};
    Channels channels_{};
    console::Patterns patterns_{};
    console::InputFrames frames_{};
};

}  // namespace

void rt::domain_main(uint64_t start_info) {
    EventChannels events = EventChannels::start();
    static constinit std::optional<Service> service;
    service.emplace(events, StartInfo{start_info});
    while (true) {
        while (service->step()) {
        }
        service->wait();
    }
}
