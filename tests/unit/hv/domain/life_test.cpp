// SPDX-License-Identifier: Apache-2.0
// The end of a domain, with the real scheduler: nobody of it runs afterwards, and the record says
// why.
#include "hv/dev/log.hpp"
#include "tests/unit/hv/sched/sched_machine.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace {

std::vector<std::string> lines;  // the log and the launch record

}  // namespace

namespace hv::dev {
void log(std::string_view line) {
    lines.emplace_back(line);
}
Record::Record(std::string_view event) {
    text_.put(event);
}
Record::~Record() {
    lines.emplace_back(text_.view());
}
Record& Record::with(std::string_view key, uint64_t value) {
    text_.put(' ').put(key).put('=').dec(value);
    return *this;
}
Record& Record::with(std::string_view key, std::string_view value) {
    text_.put(' ').put(key).put('=').put(value);
    return *this;
}
}  // namespace hv::dev

namespace {

using hv::domain::End;
using hv::domain::State;
using launch::ExpectedEnd;
namespace sched = hv::sched;

class Life : public SchedTest {
  protected:
    Life() {
        lines.clear();
        domain.id = hv::DomainId{3};
        domain.name = "guest";
        domain.state = State::Running;
    }
};

TEST_F(Life, end_takes_every_vcpu_down) {
    Vcpu& running = add_running(cpu1);
    Vcpu& blocked = add_running(cpu0);
    block(blocked);
    Vcpu& waiting = add_online();
    Vcpu& never_started = add_vcpu();
    hv::domain::end(domain, End::Poweroff, "");
    EXPECT_EQ(domain.state, State::Ended);
    EXPECT_TRUE(domain.is_dying);
    EXPECT_TRUE(sched::is_offline(blocked));
    EXPECT_TRUE(sched::is_offline(waiting));
    EXPECT_EQ(sched::pick(cpu0), nullptr);

    EXPECT_FALSE(hv::domain::is_quiescent(domain));
    EXPECT_TRUE(sched::should_leave(cpu1, running));
    sched::leave(running, false);
    EXPECT_TRUE(hv::domain::is_quiescent(domain));
    // From now on for good.
    for (Vcpu* v : {&running, &blocked, &waiting, &never_started}) {
        sched::wake(*v);
        sched::set_online(*v, true);
    }
    EXPECT_TRUE(hv::domain::is_quiescent(domain));
    EXPECT_EQ(sched::pick(cpu0), nullptr);
}

TEST_F(Life, waiting_vcpu_is_not_quiescent) {
    add_online();
    EXPECT_FALSE(hv::domain::is_quiescent(domain));
}

TEST_F(Life, first_end_counts) {
    hv::domain::end(domain, End::Crash, "page fault");
    hv::domain::end(domain, End::Poweroff, "too late");
    EXPECT_EQ(domain.end, End::Crash);
    EXPECT_EQ(domain.fate.view(), "crash: page fault");
    EXPECT_EQ(lines,
              (std::vector<std::string>{"guest: crash: page fault",
                                        "domain-ended domid=3 name=guest how=crash expected=no"}));
}

TEST_F(Life, orderly_end_needs_no_line_for_people) {
    hv::domain::end(domain, End::Poweroff, "");
    EXPECT_EQ(
        lines,
        (std::vector<std::string>{"domain-ended domid=3 name=guest how=poweroff expected=yes"}));
    EXPECT_EQ(domain.fate.view(), "poweroff");
}

TEST_F(Life, builder_has_its_own_record) {
    domain.is_builder = true;
    hv::domain::end(domain, End::Poweroff, "");
    EXPECT_TRUE(lines.empty());
}

TEST_F(Life, each_end_is_expected_by_one_kind_of_plan) {
    struct Row {
        End end;
        ExpectedEnd expected;
    };
    const std::vector<Row> fitting{{End::Poweroff, ExpectedEnd::Poweroff},
                                   {End::Reboot, ExpectedEnd::Reboot},
                                   {End::Crash, ExpectedEnd::Crash},
                                   {End::TripleFault, ExpectedEnd::Crash},
                                   {End::Killed, ExpectedEnd::Crash}};
    for (const End end :
         {End::Poweroff, End::Reboot, End::Suspend, End::Crash, End::Watchdog, End::SoftReset,
          End::TripleFault, End::Killed, End::Stopped, End::NotStarted}) {
        for (const ExpectedEnd expected :
             {ExpectedEnd::Poweroff, ExpectedEnd::Reboot, ExpectedEnd::Crash, ExpectedEnd::Never}) {
            hv::domain::Domain& d = more_domains.emplace_back();
            d.expected_end = expected;
            EXPECT_FALSE(hv::domain::ended_as_expected(d)) << "still lives";
            hv::domain::end(d, end, "");
            const bool fits = std::any_of(fitting.begin(), fitting.end(), [&](const Row& row) {
                return row.end == end && row.expected == expected;
            });
            EXPECT_EQ(hv::domain::ended_as_expected(d), fits);
        }
    }
}

TEST_F(Life, recovery_domain_is_expected_not_to_start) {
    for (const End end : {End::NotStarted, End::Stopped, End::Crash}) {
        hv::domain::Domain& d = more_domains.emplace_back();
        d.roles.add(launch::Role::Recovery);
        hv::domain::end(d, end, "");
        EXPECT_EQ(hv::domain::ended_as_expected(d), end == End::NotStarted);
    }
}

TEST_F(Life, domains_are_found_by_id) {
    const size_t before = hv::domain::all().size();
    static hv::domain::Domain d;  // the table keeps it
    d.id = hv::DomainId{0x1234};
    EXPECT_EQ(hv::domain::find(d.id), nullptr);
    hv::domain::add(d);
    EXPECT_EQ(hv::domain::find(d.id), &d);
    EXPECT_EQ(hv::domain::all().size(), before + 1);
    EXPECT_DEATH(hv::domain::add(d), "bug");
}

}  // namespace
