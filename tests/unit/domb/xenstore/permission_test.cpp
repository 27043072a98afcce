// SPDX-License-Identifier: Apache-2.0
// Who may do what: the matrix of letters, ownership, inheritance, SET_PERMS, targets.
#include "tests/unit/domb/xenstore/client.hpp"

namespace xenstore::test {
namespace {

using Permissions = ServerTest;

TEST_F(Permissions, letters_give_what_they_say_to_named_domains_and_to_the_rest) {
    guest(1), guest(2), guest(3);
    EXPECT_EQ(write(0, "/node", "v"), "OK|");
    struct Row {
        const char* permissions;  // owner 1; domain 2 is named, domain 3 is not
        const char* named;
        const char* others;
    };
    // What may be done: r, w, both or nothing.
    const Row rows[] = {
        {"n1|n2|", "", ""},   {"n1|r2|", "r", ""},   {"n1|w2|", "w", ""},   {"n1|b2|", "rw", ""},
        {"r1|n2|", "", "r"},  {"r1|r2|", "r", "r"},  {"r1|w2|", "w", "r"},  {"r1|b2|", "rw", "r"},
        {"w1|n2|", "", "w"},  {"w1|r2|", "r", "w"},  {"w1|w2|", "w", "w"},  {"w1|b2|", "rw", "w"},
        {"b1|n2|", "", "rw"}, {"b1|r2|", "r", "rw"}, {"b1|w2|", "w", "rw"}, {"b1|b2|", "rw", "rw"},
    };
    for (const Row& row : rows) {
        ASSERT_EQ(set_perms(0, "/node", row.permissions), "OK|");
        const auto check = [&](uint16_t id, std::string_view may) {
            const bool may_read = may.find('r') != std::string_view::npos;
            const bool may_write = may.find('w') != std::string_view::npos;
            EXPECT_EQ(read(id, "/node"), may_read ? "v" : "EACCES") << row.permissions << id;
            EXPECT_EQ(list(id, "/node"), may_read ? "" : "EACCES") << row.permissions << id;
            EXPECT_EQ(get_perms(id, "/node"), may_read ? row.permissions : "EACCES");
            EXPECT_EQ(write(id, "/node", "v"), may_write ? "OK|" : "EACCES");
            EXPECT_EQ(mkdir(id, "/node"), may_write ? "OK|" : "EACCES");
            // What is missing is known only to who could use it.
            EXPECT_EQ(read(id, "/node/no"), may_read ? "ENOENT" : "EACCES");
            EXPECT_EQ(rm(id, "/node/no"), may_write ? "OK|" : "EACCES");
            EXPECT_EQ(set_perms(id, "/node", "b1|"), id == 1 ? "OK|" : "EACCES");
        };
        check(2, row.named);
        check(3, row.others);
    }
}

TEST_F(Permissions, the_owner_may_do_everything_whatever_its_letter) {
    guest(1);
    EXPECT_EQ(write(0, "/node", "v"), "OK|");
    EXPECT_EQ(set_perms(0, "/node", "n1|"), "OK|");
    EXPECT_EQ(read(1, "/node"), "v");
    EXPECT_EQ(write(1, "/node", "w"), "OK|");
    EXPECT_EQ(set_perms(1, "/node", "n1|r2|"), "OK|");
    EXPECT_EQ(rm(1, "/node"), "OK|");
}

TEST_F(Permissions, what_a_domain_makes_it_owns_with_the_parents_other_entries) {
    guest(1), guest(2);
    EXPECT_EQ(mkdir(0, "/d"), "OK|");
    EXPECT_EQ(set_perms(0, "/d", "r1|b2|"), "OK|");
    EXPECT_EQ(mkdir(2, "/d/two"), "OK|");
    EXPECT_EQ(get_perms(2, "/d/two"), "r2|b2|");
    EXPECT_EQ(mkdir(0, "/d/zero"), "OK|");
    EXPECT_EQ(get_perms(0, "/d/zero"), "r1|b2|");
    EXPECT_EQ(mkdir(1, "/d/one/deep"), "OK|");
    EXPECT_EQ(get_perms(0, "/d/one"), "r1|b2|");
    EXPECT_EQ(get_perms(0, "/d/one/deep"), "r1|b2|");
}

TEST_F(Permissions, a_new_root_is_the_systems_only) {
    guest(1);
    EXPECT_EQ(get_perms(0, "/"), "n0|");
    EXPECT_EQ(read(1, "/"), "EACCES");
    EXPECT_EQ(write(1, "/x", ""), "EACCES");
    EXPECT_EQ(read(1, "/x/y"), "EACCES");
}

TEST_F(Permissions, only_privileged_clients_give_nodes_away) {
    guest(1), guest(2);
    EXPECT_EQ(mkdir(0, "/d"), "OK|");
    EXPECT_EQ(set_perms(0, "/d", "n1|"), "OK|");
    EXPECT_EQ(set_perms(1, "/d", "n2|"), "EPERM");
    EXPECT_EQ(set_perms(1, "/d", "b1|"), "OK|");
    EXPECT_EQ(set_perms(2, "/d", "b2|"), "EACCES");
    EXPECT_EQ(set_perms(0, "/d", "n2|"), "OK|");
    EXPECT_EQ(read(1, "/d"), "EACCES");
    EXPECT_EQ(set_perms(0, "/", "n1|"), "EPERM");
    EXPECT_EQ(set_perms(0, "/", "r0|"), "OK|");
    EXPECT_EQ(list(1, "/"), "d|");
}

TEST_F(Permissions, malformed_permissions_are_einval_and_change_nothing) {
    EXPECT_EQ(mkdir(0, "/d"), "OK|");
    for (const char* bad : {"|", "x0|", "r|", "rx|", "r-1|", "r65536|", "r0|n|", "R0|", "0|",
                            "r0 |", "r99999999999999999999|"}) {
        EXPECT_EQ(set_perms(0, "/d", bad), "EINVAL") << bad;
    }
    EXPECT_EQ(get_perms(0, "/d"), "n0|");
}

TEST_F(Permissions, a_list_may_be_as_long_as_the_quota_says) {
    guest(1);
    EXPECT_EQ(mkdir(0, "/d"), "OK|");
    EXPECT_EQ(set_perms(0, "/d", "n1|"), "OK|");
    EXPECT_EQ(set_perms(1, "/d", "n1|r2|r3|r4|r5|"), "OK|");
    EXPECT_EQ(set_perms(1, "/d", "n1|r2|r3|r4|r5|r6|"), "ENOSPC");
    std::string many = "n0|";
    for (size_t i = 1; i < max_permissions; ++i) {
        many += "r7|";
    }
    EXPECT_EQ(set_perms(0, "/d", many), "OK|");
    EXPECT_EQ(get_perms(0, "/d"), many);
    EXPECT_EQ(set_perms(0, "/d", many + "r7|"), "ENOSPC");
}

TEST_F(Permissions, a_target_lends_its_rights_until_it_is_gone) {
    guest(1), guest(2);
    EXPECT_EQ(write(0, "/own", "o"), "OK|");
    EXPECT_EQ(set_perms(0, "/own", "n2|"), "OK|");
    EXPECT_EQ(write(0, "/lent", "l"), "OK|");
    EXPECT_EQ(set_perms(0, "/lent", "n0|r2|"), "OK|");
    EXPECT_EQ(read(1, "/own"), "EACCES");
    EXPECT_EQ(ask(0, XsType::XS_SET_TARGET, "1|2|"), "OK|");
    EXPECT_EQ(write(1, "/own", "w"), "OK|");
    EXPECT_EQ(read(1, "/lent"), "l");
    EXPECT_EQ(read(2, "/lent"), "l");
    guests.erase(2);
    server.remove_domain(hv::DomainId{2});
    EXPECT_EQ(read(1, "/lent"), "EACCES");
}

TEST_F(Permissions, a_domains_end_takes_its_nodes_and_its_name) {
    guest(1), guest(2);
    EXPECT_EQ(mkdir(0, "/d"), "OK|");
    EXPECT_EQ(set_perms(0, "/d", "n0|b1|b2|"), "OK|");
    EXPECT_EQ(write(1, "/d/one/deep", "x"), "OK|");
    EXPECT_EQ(write(2, "/d/two", "x"), "OK|");
    EXPECT_EQ(write(2, "/d/one-by-two", "x"), "OK|");
    EXPECT_EQ(set_perms(2, "/d/two", "n2|r1|"), "OK|");
    guests.erase(1);
    server.remove_domain(hv::DomainId{1});
    EXPECT_EQ(list(0, "/d"), "two|one-by-two|");
    EXPECT_EQ(get_perms(0, "/d"), "n0|b2|");
    EXPECT_EQ(get_perms(0, "/d/two"), "n2|");
    expect_sound();
    guest(1);  // another domain with the same id
    EXPECT_EQ(read(1, "/d/two"), "EACCES");
    EXPECT_EQ(mkdir(1, "/d/x"), "EACCES");
}

}  // namespace
}  // namespace xenstore::test
