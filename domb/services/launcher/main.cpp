// SPDX-License-Identifier: Apache-2.0
// The launcher: starts the domains that hv holds, in the order of its plan, and does what the plan
// says about failures (sequence.hpp). It sleeps until a domain has ended, a Xenstore node that
// matters has changed, or a time limit is over.
#include "domb/rt/main.hpp"

#include "domb/rt/event_channels.hpp"
#include "domb/rt/platform.hpp"
#include "domb/rt/start_info.hpp"
#include "domb/services/launcher/hypervisor.hpp"
#include "domb/services/launcher/node_reader.hpp"
#include "domb/services/launcher/sequence.hpp"
#include "domb/services/xenstore_client/own_ring.hpp"
#include "hv/base/assert.hpp"

#include <array>

namespace {

using launcher::Plan;

Plan find_plan(const rt::StartInfo& info) {
    const size_t count = info.module_count();
    const auto plan = count == 0 ? std::nullopt : launcher::read_plan(info.module(count - 1));
    if (!plan) {
        PANIC("no launcher plan");
    }
    return *plan;
}

uint64_t earlier_of(uint64_t a_ns, uint64_t b_ns) {
    return a_ns == 0 || (b_ns != 0 && b_ns < a_ns) ? b_ns : a_ns;
}

// What Xenstore has to do with it; nothing, if there is none.
class Store {
  public:
    Store(launcher::ReadyNodes& nodes, rt::EventChannels& events) : nodes_{nodes}, events_{events} {
        if (const auto ring = xenstore_client::find_own_ring()) {
            port_ = ring->port;
            reader_.emplace(nodes, client_.emplace(*ring->page));
        }
    }
    [[nodiscard]] uint32_t port() const { return port_; }  // 0: there is no Xenstore
    void clear_event() {
        if (port_ != 0) {
            events_.clear(port_);
        }
    }
    // True if there is nothing to do before the next event.
    bool step(uint64_t now_ns, const launcher::Sequence& sequence) {
        if (!reader_) {
            return true;
        }
        for (size_t node = 0; node < nodes_.size(); ++node) {
            reader_->want(node, sequence.is_awaited(nodes_[node].awaiting));
        }
        const bool is_done = reader_->step(now_ns);
        if (client_->take_news()) {
            events_.notify(port_);
        }
        if (client_->fault() != xenstore_client::Fault::None) {
            rt::write("launcher: Xenstore makes no sense and is not asked any more\n");
            reader_.reset();
        }
        return is_done;
    }
    void write(std::string_view path, std::string_view value) {
        if (reader_) {
            reader_->write(path, value);
        }
    }
    [[nodiscard]] bool has_written() const { return !reader_ || reader_->has_written(); }
    [[nodiscard]] uint64_t deadline_ns() const { return reader_ ? reader_->deadline_ns() : 0; }

  private:
    launcher::ReadyNodes& nodes_;
    rt::EventChannels& events_;
    std::optional<xenstore_client::Client> client_{};
    std::optional<launcher::NodeReader> reader_{};
    uint32_t port_ = 0;
};

class World final : public launcher::Outside {
  public:
    World(rt::EventChannels& events, Store& store) : events_{events}, store_{store} {}

    hv::abi::LaunchFate fate_of(hv::DomainId domain) override { return launcher::fate_of(domain); }
    hv::Result<void, launcher::StartError> start(hv::DomainId domain) override {
        return launcher::start(domain);
    }
    void end(hv::DomainId domain) override { launcher::end(domain); }
    void record(std::string_view line) override { launcher::record(line); }
    // In one piece: the UART is waited for once.
    void print(std::string_view message) override {
        hv::TextOf<320> line;
        rt::write(line.put("launcher: ").put(message).put('\n').view());
    }
    // The reason is to be in Xenstore when the domain looks, if Xenstore does not take too long.
    void recover(hv::DomainId recovery, std::string_view reason) override {
        constexpr uint64_t patience_ns = 1'000'000'000;
        hv::TextOf<60> path;
        path.put("/local/domain/").dec(recovery.value()).put("/recovery/reason");
        store_.write(path.view(), reason);
        recovery_ = recovery;
        reason_ = hv::StaticString<512>{reason};
        recover_at_ns_ = events_.now_ns() + patience_ns;
    }
    void recover_when_told(uint64_t now_ns) {
        if (recover_at_ns_ == 0 || (!store_.has_written() && now_ns < recover_at_ns_)) {
            return;
        }
        recover_at_ns_ = 0;
        if (const int64_t status = launcher::recover(reason_.view()); status != 0) {
            hv::TextOf<80> line;
            line.put("the recovery domain cannot be started: error ");
            print(line.dec(static_cast<uint64_t>(-status)).view());
            end(recovery_);  // or the machine stays on for it
        }
    }
    [[nodiscard]] uint64_t deadline_ns() const { return recover_at_ns_; }

  private:
    rt::EventChannels& events_;
    Store& store_;
    hv::DomainId recovery_{};
    hv::StaticString<512> reason_{};
    uint64_t recover_at_ns_ = 0;
};

}  // namespace

void rt::domain_main(uint64_t start_info) {
    const Plan plan = find_plan(StartInfo{start_info});
    EventChannels events = EventChannels::start();
    const uint32_t ends = events.bind_virq(hv::abi::Virq::VIRQ_DOM_EXC);
    static constinit launcher::ReadyNodes nodes;
    nodes.find(plan);
    Store store{nodes, events};
    World world{events, store};
    launcher::Sequence sequence{plan, nodes, world};
    const std::array ports{ends, store.port()};
    while (true) {
        events.clear(ends);
        store.clear_event();
        // What Xenstore says decides about domains, and what becomes of them about what is asked.
        sequence.step(events.now_ns());
        bool is_idle = store.step(events.now_ns(), sequence);
        sequence.step(events.now_ns());
        world.recover_when_told(events.now_ns());
        is_idle = store.step(events.now_ns(), sequence) && is_idle;
        if (is_idle) {
            const uint64_t deadline_ns = earlier_of(
                earlier_of(sequence.deadline_ns(), store.deadline_ns()), world.deadline_ns());
            events.wait(std::span{ports}.first(store.port() == 0 ? 1 : 2), deadline_ns);
        }
    }
}
