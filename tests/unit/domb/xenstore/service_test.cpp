// SPDX-License-Identifier: Apache-2.0
// What the program around the server relies on: it takes leave of domains as a toolstack would, and
// its memory is enough.
#include "hv/abi/service_plan.hpp"
#include "tests/unit/domb/xenstore/client.hpp"

namespace xenstore::test {
namespace {

using Burial = ServerTest;

TEST_F(Burial, takes_what_describes_the_domain_and_its_own) {
    for (const char* path : {"/libxl/1", "/libxl/2", "/vm/a/name", "/vm/b/name"}) {
        EXPECT_EQ(write(0, path, "x"), "OK|");
    }
    EXPECT_EQ(write(0, "/local/domain/1/vm", "/vm/a"), "OK|");
    EXPECT_EQ(write(0, "/local/domain/2/vm", "/vm/b"), "OK|");
    make_home(1);
    EXPECT_EQ(write(1, "data", "x"), "OK|");
    EXPECT_EQ(watch(0, "/local/domain/1", "home"), "OK|");
    EXPECT_EQ(watch(0, "@releaseDomain", "end"), "OK|");
    guest(0).events.clear();
    server.bury(hv::DomainId{1});
    settle();
    ASSERT_EQ(guest(0).events.size(), 2U);
    EXPECT_EQ(unnul(guest(0).events[0].payload), "/local/domain/1|home|");
    EXPECT_EQ(unnul(guest(0).events[1].payload), "@releaseDomain|end|");
    EXPECT_EQ(ask(0, XsType::XS_DIRECTORY, "/local/domain|"), "2|");
    EXPECT_EQ(ask(0, XsType::XS_DIRECTORY, "/libxl|"), "2|");
    EXPECT_EQ(ask(0, XsType::XS_DIRECTORY, "/vm|"), "b|");
    server.bury(hv::DomainId{1});  // once more: nothing
    settle();
    EXPECT_EQ(guest(0).events.size(), 2U);
}

TEST_F(Burial, does_not_take_what_the_domain_says_is_its_vm) {
    guest(1);
    EXPECT_EQ(write(0, "/vm/b/name", "x"), "OK|");
    EXPECT_EQ(write(0, "/local/domain/1/vm", "/vm/b"), "OK|");
    EXPECT_EQ(ask(0, XsType::XS_SET_PERMS, "/local/domain/1/vm|n1|"), "OK|");
    server.bury(hv::DomainId{1});
    EXPECT_EQ(read(0, "/vm/b/name"), "x");
}

TEST_F(Burial, takes_one_vm_and_never_all_of_them) {
    for (const char* vm : {"/vm", "/vm/", "/", "", "/vm//", "/local/domain/2", "/vm/b/"}) {
        guest(1);
        EXPECT_EQ(write(0, "/vm/a/name", "x"), "OK|");
        EXPECT_EQ(write(0, "/local/domain/2/name", "x"), "OK|");
        EXPECT_EQ(write(0, "/local/domain/1/vm", vm), "OK|");
        server.bury(hv::DomainId{1});
        guests.erase(1);
        EXPECT_EQ(read(0, "/vm/a/name"), "x") << vm;
        EXPECT_EQ(read(0, "/local/domain/2/name"), "x") << vm;
    }
}

// What the compiler of manifests gives the service is what the server needs.
TEST(MemoryOfTheService, is_enough_for_every_number_of_domains) {
    constexpr uint64_t image_and_tables = 4 << 20;
    for (uint32_t domains = 1; domains <= max_domains; ++domains) {
        const Config config{.clients = domains};
        EXPECT_LE(image_and_tables + Server::memory_needed(config),
                  hv::abi::xenstore_own_bytes + domains * hv::abi::xenstore_bytes_per_domain);
    }
}

}  // namespace
}  // namespace xenstore::test
