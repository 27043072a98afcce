// SPDX-License-Identifier: Apache-2.0
#include "images/console/waits.hpp"

#include <gtest/gtest.h>

namespace {

using images::find_waits;
using images::LaunchRecord;
using images::to_text;

constexpr const char* launch[] = {
    "t_ns=1 event=domain-created domid=1 name=storage",
    "t_ns=1 event=domain-created domid=2 name=net",
    "t_ns=1 event=domain-created domid=3 name=app1",
    "t_ns=1 event=domain-created domid=4 name=app2",
    "t_ns=900000000 event=domain-started domid=1 name=storage",
    "t_ns=900000000 event=domain-started domid=2 name=net",
    "t_ns=1000000000 event=domain-waiting domid=3 name=app1 after=storage,net",
    "t_ns=1000000000 event=domain-waiting domid=4 name=app2 after=app1",
};

LaunchRecord recorded(std::initializer_list<const char*> more) {
    LaunchRecord record;
    for (const char* line : launch) {
        EXPECT_TRUE(record.add(line)) << line;
    }
    for (const char* line : more) {
        EXPECT_TRUE(record.add(line)) << line;
    }
    return record;
}

TEST(Waits, tell_from_when_to_when_and_for_whom) {
    const auto waits = find_waits(recorded({
        "t_ns=2500000000 event=domain-ready domid=1 name=storage when=serving",
        "t_ns=3000000000 event=domain-failed domid=2 name=net reason=late policy=ignore",
        "t_ns=3100000000 event=domain-started domid=3 name=app1",
        "t_ns=3200000000 event=domain-ready domid=2 name=net when=serving",
        "t_ns=3300000000 event=domain-ready domid=3 name=app1 when=started",
        "t_ns=3300000000 event=domain-started domid=4 name=app2",
    }));
    ASSERT_EQ(waits.size(), 2U);
    EXPECT_EQ(to_text(waits[0]),
              "waited 2.100 s (1.000 s to 3.100 s) for storage (serving), net (failed)");
    EXPECT_EQ(waits[0].awaited[1].at_ns, 3'000'000'000U);
    EXPECT_EQ(to_text(waits[1]), "waited 2.300 s (1.000 s to 3.300 s) for app1 (started)");
}

TEST(Waits, that_did_not_end_are_told) {
    const auto waits = find_waits(
        recorded({"t_ns=2500000000 event=domain-ready domid=1 name=storage when=serving",
                  "t_ns=3000000000 event=domain-failed domid=2 name=net reason=x policy=recovery",
                  "t_ns=3100000000 event=domain-ended domid=3 name=app1 how=not-started"}));
    ASSERT_EQ(waits.size(), 2U);
    EXPECT_EQ(to_text(waits[0]), "never started: it waited for storage (serving), net (failed)");
    EXPECT_FALSE(waits[0].until_ns);
    EXPECT_EQ(to_text(waits[1]), "never started: it waited for app1 (not ready)");
}

TEST(Waits, of_unknown_domains_and_without_names_are_nothing) {
    EXPECT_TRUE(find_waits(LaunchRecord{}).empty());
    LaunchRecord record;
    record.add("t_ns=1 event=domain-created domid=1 name=a");
    record.add("t_ns=2 event=domain-waiting domid=7 name=b after=a");
    record.add("t_ns=2 event=domain-waiting domid=1 name=a");
    record.add("t_ns=1 event=domain-started domid=1 name=a");
    const auto waits = find_waits(record);
    ASSERT_EQ(waits.size(), 1U);
    EXPECT_EQ(to_text(waits[0]), "waited 0.000 s (0.000 s to 0.000 s)");
}

}  // namespace
