// SPDX-License-Identifier: Apache-2.0
// Transactions: isolation, the matrix of conflicts, limits.
#include "tests/unit/domb/xenstore/client.hpp"

#include <functional>

namespace xenstore::test {
namespace {

class Transactions : public ServerTest {
  protected:
    void SetUp() override {
        make_home(1);
        make_home(2);
        make_nodes();
    }
    void make_nodes() {
        EXPECT_EQ(write(0, "/d/a", "1"), "OK|");
        EXPECT_EQ(write(0, "/d/b", "2"), "OK|");
        EXPECT_EQ(set_perms(0, "/d", "b0|"), "OK|");
        EXPECT_EQ(set_perms(0, "/d/a", "b0|"), "OK|");
        EXPECT_EQ(set_perms(0, "/d/b", "b0|"), "OK|");
    }
};

TEST_F(Transactions, changes_are_seen_inside_at_once_and_outside_after_commit) {
    const uint32_t tx = start(1);
    EXPECT_EQ(write(1, "/d/a", "new", tx), "OK|");
    EXPECT_EQ(write(1, "/d/c/deep", "made", tx), "OK|");
    EXPECT_EQ(rm(1, "/d/b", tx), "OK|");
    EXPECT_EQ(read(1, "/d/a", tx), "new");
    EXPECT_EQ(read(1, "/d/c/deep", tx), "made");
    EXPECT_EQ(read(1, "/d/b", tx), "ENOENT");
    EXPECT_EQ(list(1, "/d", tx), "a|c|");
    EXPECT_EQ(read(1, "/d/a"), "1");
    EXPECT_EQ(read(2, "/d/c/deep"), "ENOENT");
    EXPECT_EQ(list(1, "/d"), "a|b|");
    expect_sound();
    EXPECT_EQ(end(1, tx), "OK|");
    EXPECT_EQ(read(2, "/d/a"), "new");
    EXPECT_EQ(read(0, "/d/c/deep"), "made");
    EXPECT_EQ(list(2, "/d"), "a|c|");
    EXPECT_EQ(get_perms(0, "/d/c/deep"), "b1|");
}

TEST_F(Transactions, an_aborted_one_leaves_nothing) {
    const Usage before =
        server.memory().accounts[server.memory().accounts.of(hv::DomainId{1})].usage;
    const uint32_t tx = start(1);
    EXPECT_EQ(write(1, "/d/a", "new", tx), "OK|");
    EXPECT_EQ(mkdir(1, "/d/x/y/z", tx), "OK|");
    EXPECT_EQ(rm(1, "/d/b", tx), "OK|");
    EXPECT_EQ(end(1, tx, false), "OK|");
    EXPECT_EQ(list(1, "/d"), "a|b|");
    EXPECT_EQ(read(1, "/d/a"), "1");
    EXPECT_EQ(server.memory().accounts[server.memory().accounts.of(hv::DomainId{1})].usage, before);
    EXPECT_EQ(end(1, tx, false), "ENOENT");
}

TEST_F(Transactions, conflicts_are_what_was_seen_and_then_changed) {
    using Act = std::function<void(uint16_t, uint32_t)>;
    const auto act = [&](std::string what) -> Act {
        return [this, what](uint16_t id, uint32_t tx) {
            const std::string verb = what.substr(0, what.find(' '));
            const std::string path = what.substr(what.find(' ') + 1);
            if (verb == "read") {
                read(id, path, tx);
            } else if (verb == "write") {
                EXPECT_EQ(write(id, path, "x", tx), "OK|");
            } else if (verb == "list") {
                list(id, path, tx);
            } else if (verb == "rm") {
                EXPECT_EQ(rm(id, path, tx), "OK|");
            } else if (verb == "perms") {
                EXPECT_EQ(set_perms(0, path, "b0|r7|"), "OK|");
            }
        };
    };
    struct Row {
        const char* inside;
        const char* outside;
        bool conflicts;
    };
    const Row rows[] = {
        {"read /d/a", "write /d/a", true},     {"read /d/a", "write /d/b", false},
        {"read /d/a", "read /d/a", false},     {"read /d/a", "perms /d/a", true},
        {"read /d/a", "rm /d/a", true},        {"read /d/a", "rm /d", true},
        {"read /d/a", "write /d/a/c", false},  {"read /d/a", "write /d/c", false},
        {"write /d/a", "write /d/a", true},    {"write /d/a", "write /d/b", false},
        {"write /d/a", "read /d/a", false},    {"write /d/a", "rm /d/a", true},
        {"write /d/c", "write /d/c", true},    {"write /d/c", "write /d/e", false},
        {"write /d/c", "rm /d", true},         {"write /d/c", "perms /d", true},
        {"list /d", "write /d/c", true},       {"list /d", "rm /d/a", true},
        {"list /d", "write /d/a", false},      {"list /d", "write /d/a/c", false},
        {"rm /d/a", "write /d/a", true},       {"rm /d/a", "rm /d/a", true},
        {"rm /d/a", "write /d/a/c", false},    {"rm /d/a", "write /d/b", false},
        {"read /d/no", "write /d/no", true},   {"read /d/no", "write /d/other", false},
        {"read /d/no/x", "write /d/no", true}, {"read /d/no/x", "rm /d/b", false},
    };
    for (const Row& row : rows) {
        const uint32_t tx = start(1);
        act(row.inside)(1, tx);
        act(row.outside)(2, 0);
        EXPECT_EQ(end(1, tx), row.conflicts ? "EAGAIN" : "OK|")
            << row.inside << ", " << row.outside;
        expect_sound();
        EXPECT_EQ(rm(0, "/d"), "OK|");
        make_nodes();
    }
}

TEST_F(Transactions, two_states_of_one_node_are_never_committed) {
    const uint32_t tx = start(1);
    EXPECT_EQ(read(1, "/d/a", tx), "1");
    EXPECT_EQ(write(2, "/d/a", "other"), "OK|");
    EXPECT_EQ(read(1, "/d/a", tx), "other");
    EXPECT_EQ(end(1, tx), "EAGAIN");
}

TEST_F(Transactions, removing_and_making_again_replaces_the_whole_subtree) {
    EXPECT_EQ(write(1, "/d/t/old", "x"), "OK|");
    const uint32_t tx = start(1);
    EXPECT_EQ(rm(1, "/d/t", tx), "OK|");
    EXPECT_EQ(read(1, "/d/t/old", tx), "ENOENT");
    EXPECT_EQ(write(1, "/d/t/new", "y", tx), "OK|");
    EXPECT_EQ(list(1, "/d/t", tx), "new|");
    EXPECT_EQ(list(1, "/d", tx), "a|b|t|");
    EXPECT_EQ(rm(1, "/d/t/new", tx), "OK|");
    EXPECT_EQ(write(1, "/d/t/newer", "z", tx), "OK|");
    EXPECT_EQ(end(1, tx), "OK|");
    EXPECT_EQ(list(1, "/d/t"), "newer|");
    EXPECT_EQ(read(1, "/d/t/newer"), "z");
}

TEST_F(Transactions, permissions_count_inside_and_after) {
    const uint32_t tx = start(1);
    EXPECT_EQ(write(1, "/d/mine", "x", tx), "OK|");
    EXPECT_EQ(set_perms(1, "/d/mine", "n1|r2|", tx), "OK|");
    EXPECT_EQ(get_perms(1, "/d/mine", tx), "n1|r2|");
    EXPECT_EQ(set_perms(1, "/d/mine", "n2|", tx), "EPERM");
    EXPECT_EQ(read(1, "/local/domain/2", tx), "EACCES");
    EXPECT_EQ(write(1, "/local/domain/2/x", "", tx), "EACCES");
    EXPECT_EQ(end(1, tx), "OK|");
    EXPECT_EQ(read(2, "/d/mine"), "x");
    EXPECT_EQ(write(2, "/d/mine", "y"), "EACCES");
    const uint32_t control = start(0);
    EXPECT_EQ(set_perms(0, "/d/mine", "n2|", control), "OK|");
    EXPECT_EQ(end(0, control), "OK|");
    EXPECT_EQ(read(1, "/d/mine"), "EACCES");
    EXPECT_EQ(write(2, "/d/mine", "y"), "OK|");
}

TEST_F(Transactions, events_come_with_the_commit_only) {
    EXPECT_EQ(watch(2, "/d", "t"), "OK|");
    EXPECT_EQ(events(2), "/d|t|");
    const uint32_t tx = start(1);
    EXPECT_EQ(write(1, "/d/a", "x", tx), "OK|");
    EXPECT_EQ(write(1, "/d/c", "x", tx), "OK|");
    EXPECT_EQ(rm(1, "/d/b", tx), "OK|");
    EXPECT_EQ(events(2), "");
    EXPECT_EQ(end(1, tx), "OK|");
    EXPECT_EQ(events(2), "/d/a|t| /d/c|t| /d/b|t|");
    const uint32_t aborted = start(1);
    EXPECT_EQ(write(1, "/d/a", "x", aborted), "OK|");
    EXPECT_EQ(end(1, aborted, false), "OK|");
    EXPECT_EQ(events(2), "");
}

TEST_F(Transactions, start_and_end_are_checked) {
    const uint32_t tx = start(1);
    EXPECT_EQ(ask(1, XsType::XS_TRANSACTION_START, "|", tx), "EBUSY");
    EXPECT_EQ(ask(1, XsType::XS_TRANSACTION_END, "X|", tx), "EINVAL");
    EXPECT_EQ(ask(1, XsType::XS_TRANSACTION_END, "T", tx), "EINVAL");
    EXPECT_EQ(ask(1, XsType::XS_TRANSACTION_END, "", tx), "EINVAL");
    EXPECT_EQ(end(1, 0), "ENOENT");
    EXPECT_EQ(end(1, tx + 1), "ENOENT");
    EXPECT_EQ(read(1, "/d/a", tx + 1), "ENOENT");
    EXPECT_EQ(end(2, tx), "ENOENT");  // ids are the client's own
    EXPECT_EQ(read(2, "/d/a", tx), "ENOENT");
    EXPECT_EQ(end(1, tx), "OK|");
    EXPECT_EQ(end(1, tx), "ENOENT");
}

TEST_F(Transactions, no_more_are_open_than_the_quota_says) {
    for (int i = 0; i < 10; ++i) {
        EXPECT_NE(start(1), 0U);
    }
    EXPECT_EQ(ask(1, XsType::XS_TRANSACTION_START, "|"), "ENOSPC");
    EXPECT_NE(start(2), 0U);
    EXPECT_EQ(end(1, 3, false), "OK|");
    EXPECT_NE(start(1), 0U);
    EXPECT_EQ(ask(1, XsType::XS_RESET_WATCHES, "|"), "OK|");
    EXPECT_EQ(end(1, 1), "ENOENT");
    for (int i = 0; i < 10; ++i) {
        EXPECT_NE(start(1), 0U);
    }
}

TEST_F(Transactions, one_looks_at_no_more_nodes_than_the_quota_says) {
    EXPECT_EQ(ask(0, XsType::XS_SET_QUOTA, "1|transaction-nodes|10|"), "OK|");
    const uint32_t tx = start(1);
    std::string last;
    int made = 0;
    while (made < 20 && last != "ENOSPC") {
        last = mkdir(1, "/d/n" + std::to_string(made++), tx);
    }
    EXPECT_EQ(last, "ENOSPC");
    EXPECT_LT(made, 11);
    EXPECT_EQ(read(1, "/d/n0", tx), "");
    expect_sound();
    EXPECT_EQ(end(1, tx), "OK|");
    EXPECT_EQ(read(1, "/d/n0"), "");
}

TEST_F(Transactions, commit_respects_the_quota_of_nodes) {
    EXPECT_EQ(ask(0, XsType::XS_SET_QUOTA, "1|nodes|5|"), "OK|");
    const uint32_t first = start(1);
    const uint32_t second = start(1);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(mkdir(1, "/d/f" + std::to_string(i), first), "OK|");
        EXPECT_EQ(mkdir(1, "/d/s" + std::to_string(i), second), "OK|");
    }
    EXPECT_EQ(mkdir(1, "/d/too/many", first), "ENOSPC");
    EXPECT_EQ(end(1, first), "OK|");
    EXPECT_EQ(end(1, second), "ENOSPC");
    EXPECT_EQ(list(1, "/d"), "a|b|f0|f1|f2|");
}

TEST_F(Transactions, commit_respects_the_memory_of_the_owner) {
    EXPECT_EQ(write(2, "/d/shared", ""), "OK|");
    EXPECT_EQ(set_perms(2, "/d/shared", "b2|"), "OK|");
    EXPECT_EQ(ask(0, XsType::XS_SET_QUOTA, "2|memory|1024|"), "OK|");
    const uint32_t tx = start(1);
    EXPECT_EQ(write(1, "/d/shared", std::string(2000, 'x'), tx), "OK|");
    EXPECT_EQ(end(1, tx), "ENOMEM");
    EXPECT_EQ(read(2, "/d/shared"), "");
    EXPECT_EQ(write(1, "/d/shared", std::string(2000, 'x')), "ENOMEM");
    EXPECT_EQ(write(2, "/d/shared", "short"), "OK|");
}

TEST_F(Transactions, a_domains_end_makes_the_others_start_again) {
    guest(3);
    const uint32_t tx = start(1);
    EXPECT_EQ(write(1, "/d/x", "x", tx), "OK|");
    EXPECT_EQ(set_perms(1, "/d/x", "n1|b3|", tx), "OK|");
    start(3);
    guests.erase(3);
    server.remove_domain(hv::DomainId{3});
    EXPECT_EQ(end(1, tx), "EAGAIN");
}

TEST_F(Transactions, directory_parts_see_the_transactions_own_changes) {
    const uint32_t tx = start(1);
    const std::string before = ask(1, XsType::XS_DIRECTORY_PART, "/d|0|", tx);
    EXPECT_EQ(mkdir(1, "/d/c", tx), "OK|");
    const std::string after = ask(1, XsType::XS_DIRECTORY_PART, "/d|0|", tx);
    EXPECT_EQ(after.substr(after.find('|')), "|a|b|c||");
    EXPECT_NE(after.substr(0, after.find('|')), before.substr(0, before.find('|')));
}

}  // namespace
}  // namespace xenstore::test
