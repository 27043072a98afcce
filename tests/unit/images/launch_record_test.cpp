// SPDX-License-Identifier: Apache-2.0
#include "images/console/launch_record.hpp"

#include <gtest/gtest.h>

namespace {

using images::LaunchRecord;
using images::parse_record_line;

TEST(RecordLine, time_event_and_values_are_read) {
    const auto event = parse_record_line("t_ns=12 event=domain-created domid=1 name=a%20b empty=");
    ASSERT_TRUE(event);
    EXPECT_EQ(event->t_ns, 12U);
    EXPECT_EQ(event->event, "domain-created");
    EXPECT_EQ(event->value("name"), "a b");
    EXPECT_EQ(event->value("empty"), "");
    EXPECT_EQ(event->value("absent"), "");
}

TEST(RecordLine, every_other_form_is_refused) {
    for (const char* line :
         {"", "t_ns=1", "event=x t_ns=1", "t_ns= event=x", "t_ns=-1 event=x", "t_ns=1x event=x",
          "t_ns=18446744073709551616 event=x", "t_ns=1 event=", "t_ns=1  event=x",
          "t_ns=1 event=x ", "t_ns=1 event=x word", "t_ns=1 event=x =v", "t_ns=1 event=x K=v",
          "t_ns=1 event=x k=%4", "t_ns=1 event=x k=%", "t_ns=1 event=x k=%zz",
          "t_ns=1 event=x k=%+1", "t_ns=1 event=x k=%-1"}) {
        EXPECT_FALSE(parse_record_line(line)) << line;
    }
}

TEST(LaunchRecord, the_life_of_a_domain_is_followed) {
    LaunchRecord record;
    record.add("t_ns=1 event=domain-created domid=1 name=attest memory=1 vcpus=1 overhead=0");
    record.add("t_ns=2 event=domain-created domid=300 name=worker memory=1 vcpus=2 overhead=0");
    record.add("t_ns=3 event=domain-built domid=1 outcome=ready");
    record.add(
        "t_ns=4 event=domain-built domid=300 outcome=refused reason=no%20note path=/domains/1");
    record.add("t_ns=5 event=domain-started domid=1");
    record.add("t_ns=6 event=domain-ended domid=1 how=poweroff expected=yes");
    const auto& attest = record.domains().at(1);
    EXPECT_EQ(attest.outcome, "ready");
    EXPECT_TRUE(attest.started && attest.expected);
    EXPECT_EQ(attest.how, "poweroff");
    const auto& worker = record.domains().at(300);
    EXPECT_EQ(worker.reason, "no note");
    EXPECT_EQ(worker.path, "/domains/1");
    EXPECT_FALSE(worker.started || worker.expected);
    EXPECT_EQ(record.find_source(1)->name, "attest");
    EXPECT_EQ(record.find_source(300 & 0xff)->name, "worker");
    EXPECT_EQ(record.find_source(7), nullptr);
    EXPECT_FALSE(record.machine_off());
    record.add("t_ns=7 event=machine-off status=ok");
    EXPECT_EQ(record.machine_off(), "ok");
    EXPECT_EQ(record.events().size(), 7U);
}

TEST(LaunchRecord, lines_about_unknown_domains_and_malformed_lines_change_nothing) {
    LaunchRecord record;
    EXPECT_TRUE(record.add("t_ns=1 event=domain-ended domid=1 how=crash expected=no"));
    EXPECT_TRUE(record.add("t_ns=1 event=domain-started domid=99999"));
    EXPECT_FALSE(record.add("machine-off status=ok"));
    EXPECT_TRUE(record.domains().empty());
    EXPECT_FALSE(record.machine_off());
    EXPECT_EQ(record.malformed_count(), 1U);
}

}  // namespace
