// SPDX-License-Identifier: Apache-2.0
// FakeWorld: domains whose fates a test decides, and what the launcher has done to them. A domain
// that is held runs once it is started; one that is ended has ended.
#pragma once

#include "domb/services/launcher/sequence.hpp"
#include "tests/unit/domb/launcher/plan_bytes.hpp"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace launcher::test {

class FakeWorld final : public Outside {
  public:
    hv::abi::LaunchFate fate_of(hv::DomainId domain) override { return fates[domain.value()]; }
    hv::Result<void, StartError> start(hv::DomainId domain) override {
        if (unstartable == domain.value()) {
            return hv::Err{StartError{-22}};
        }
        act("start", domain);
        fates[domain.value()].state = hv::abi::LaunchState::Running;
        return hv::Ok{};
    }
    void end(hv::DomainId domain) override {
        act("end", domain);
        set_ended(domain.value(), "stopped", false);
    }
    void recover(hv::DomainId recovery, std::string_view reason) override {
        act("recover", recovery);
        recovery_reason = reason;
        fates[recovery.value()].state = hv::abi::LaunchState::Running;
    }
    void record(std::string_view line) override {
        recorded.emplace_back(line);
        story.emplace_back("record");
    }
    void print(std::string_view message) override {
        printed.emplace_back(message);
        story.emplace_back("print");
    }

    void set_ended(uint16_t domid, std::string_view reason, bool as_expected) {
        auto& fate = fates[domid];
        fate = {.domid = domid, .state = hv::abi::LaunchState::Ended};
        fate.as_expected = as_expected ? 1 : 0;
        set_text(fate.reason, reason);
    }
    void set_refused(uint16_t domid, std::string_view reason) {
        set_ended(domid, reason, false);
        fates[domid].state = hv::abi::LaunchState::Refused;
    }
    // What was done since the last call, joined by commas.
    std::string take_done() { return take(done, ", "); }
    std::string take_recorded() { return take(recorded, "\n"); }
    // All of it, in its order.
    std::string take_story() { return take(story, ", "); }

    std::map<uint16_t, hv::abi::LaunchFate> fates;
    uint16_t unstartable = 0;
    std::string recovery_reason;
    std::vector<std::string> done;
    std::vector<std::string> recorded;
    std::vector<std::string> printed;
    std::vector<std::string> story;

  private:
    void act(const std::string& verb, hv::DomainId domain) {
        done.push_back(verb + " " + std::to_string(domain.value()));
        story.push_back(done.back());
    }
    static std::string take(std::vector<std::string>& list, std::string_view between) {
        std::string text;
        for (const std::string& item : list) {
            text += (text.empty() ? "" : std::string{between}) + item;
        }
        list.clear();
        return text;
    }
};

inline constexpr uint64_t second_ns = 1'000'000'000;

// A launch: first add() and change entries, then begin().
class Launch {
  public:
    Entry& add(std::string_view name, std::initializer_list<Index> after = {}) {
        return written.add(name, after);
    }
    Entry& add_recovery(std::string_view name = "recovery") {
        Entry& entry = add(name);
        entry.is_held = 1;
        entry.is_recovery = 1;
        return entry;
    }
    void begin() {
        plan = *read_plan(written.bytes());
        nodes.find(plan);
        for (const Entry& entry : plan.entries) {
            auto& fate = world.fates[entry.domid];
            if (fate.domid == 0) {
                fate = {.domid = entry.domid,
                        .state = entry.is_held != 0 ? hv::abi::LaunchState::Held
                                                    : hv::abi::LaunchState::Running};
            }
        }
        sequence.emplace(plan, nodes, world);
        step();
    }
    // After so many seconds more; what was done.
    std::string step(double seconds = 0) {
        now_ns += static_cast<uint64_t>(seconds * second_ns);
        sequence->step(now_ns);
        return world.take_done();
    }
    [[nodiscard]] std::string path(size_t node) const {
        hv::TextOf<300> text;
        nodes.put_path(text, node);
        return std::string{text.view()};
    }

    PlanBytes written{};
    Plan plan{};
    ReadyNodes nodes{};
    FakeWorld world{};
    std::optional<Sequence> sequence{};
    uint64_t now_ns = second_ns;
};

inline void set_ready(Entry& entry, launch::ReadyWhen when, std::string_view path = {},
                      std::string_view text = {}) {
    entry.ready_when = static_cast<uint8_t>(when);
    set_text(entry.ready_path, path);
    set_text(entry.ready_text, text);
}
inline void set_policy(Entry& entry, launch::Policy on_failure, launch::Policy on_crash) {
    entry.on_failure = static_cast<uint8_t>(on_failure);
    entry.on_crash = static_cast<uint8_t>(on_crash);
}
inline void add_device(Entry& entry, LauncherPlanDeviceKind kind, uint16_t backend, uint32_t id) {
    entry.devices[entry.device_count++] = {.id = id, .backend = backend, .kind = kind};
}

}  // namespace launcher::test
