// SPDX-License-Identifier: Apache-2.0
// Sequence: which domain starts when, and what failures lead to. It decides from the plan, the fate
// of each domain, the values of ReadyNodes and the time; step() looks at all of it and does what
// follows. Used by main.cpp, which waits in between. Reads no Xenstore itself.
#pragma once

#include "domb/services/launcher/outside.hpp"
#include "domb/services/launcher/ready_nodes.hpp"

#include <array>
#include <cstdint>

namespace launcher {

// A domain that ends may have been ready just before: what it wrote arrives by another way than the
// news of its end, which it may overtake by as much.
inline constexpr uint64_t last_news_ns = 1'000'000'000;

class Sequence {
  public:
    Sequence(const Plan& plan, const ReadyNodes& nodes, Outside& outside)
        : plan_{plan}, nodes_{nodes}, outside_{outside} {}

    void step(uint64_t now_ns);
    // When step() is due even if nothing is heard; 0: never.
    [[nodiscard]] uint64_t deadline_ns() const;
    // It runs and is not ready: its nodes' values matter.
    [[nodiscard]] bool is_awaited(Index domain) const;

  private:
    enum class Stage : uint8_t {
        Held,      // has not been started
        Starting,  // is not ready yet
        Ready,     // has been ready, or its failure does not matter
        Failed,    // who waits for it never starts
        GivenUp,   // never starts
    };
    struct Domain {
        Stage stage = Stage::Held;
        bool has_ended = false;
        bool is_end_judged = false;
        uint64_t started_ns = 0;
        uint64_t ended_ns = 0;
        hv::abi::LaunchFate fate{};  // of one that has ended
    };

    void begin();
    void look_at(Index domain);
    void take_fate(Index domain);
    void has_started(Index domain);
    void judge_start(Index domain);
    void judge_end(Index domain);
    void decide(Index domain);
    void become_ready(Index domain);
    void give_up(Index domain);
    void fail(Index domain, std::string_view where, std::string_view why);
    void crash(Index domain);
    void report(Index domain, std::string_view message, launch::Policy policy);
    void apply(launch::Policy policy, std::string_view reason);
    void recover(std::string_view reason);
    void halt();
    void release_recovery();
    void put_why_not_ready(hv::Text& out, Index domain) const;
    [[nodiscard]] uint64_t due_ns(const Domain& domain, const Entry& entry) const;

    Plan plan_;
    const ReadyNodes& nodes_;
    Outside& outside_;
    std::array<Domain, max_entries> domains_{};
    uint64_t now_ns_ = 0;
    bool has_begun_ = false;
    bool has_changed_ = false;
    bool is_recovering_ = false;
    bool has_halted_ = false;
};

}  // namespace launcher
