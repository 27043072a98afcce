// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/initial_tree.hpp"

#include "hv/abi/xenstore_tree.hpp"
#include "tests/unit/domb/xenstore/client.hpp"

namespace xenstore::test {
namespace {

// Writes the format as its header says.
class TreeModule {
  public:
    TreeModule& add(const std::string& path, const std::string& value,
                    const std::vector<std::pair<uint16_t, char>>& permissions) {
        put16(path.size());
        put16(value.size());
        put16(permissions.size());
        for (const auto& [domain, letter] : permissions) {
            put16(domain);
            records_ += letter;
            records_ += '\0';
        }
        records_ += path + value;
        ++count_;
        return *this;
    }
    [[nodiscard]] std::string bytes() const {
        hv::abi::XenstoreTreeHeader header;
        header.magic.store(hv::abi::xenstore_tree_magic);
        header.version.store(hv::abi::xenstore_tree_version);
        header.count.store(count_);
        std::string all(sizeof(header), '\0');
        memcpy(all.data(), &header, sizeof(header));
        return all + records_;
    }

  private:
    void put16(size_t n) {
        records_ += static_cast<char>(n & 0xff);
        records_ += static_cast<char>(n >> 8);
    }
    std::string records_;
    uint32_t count_ = 0;
};

class InitialTree : public ServerTest {
  protected:
    hv::Result<void, TreeError> load(const std::string& bytes) {
        const std::vector<char> exact{bytes.begin(), bytes.end()};
        return load_tree(server, std::as_bytes(std::span{exact}));
    }
    TreeFault fault_of(const std::string& bytes) {
        const auto loaded = load(bytes);
        EXPECT_FALSE(loaded.ok());
        return loaded.ok() ? TreeFault{} : loaded.error().fault;
    }
};

TEST_F(InitialTree, nodes_have_the_values_and_permissions_of_the_module) {
    guest(1);
    ASSERT_TRUE(load(TreeModule{}
                         .add("/", "", {{0, 'r'}})
                         .add("/local/domain/1", "", {{0, 'n'}, {1, 'r'}})
                         .add("/local/domain/1/name", "web", {{0, 'n'}, {1, 'r'}})
                         .add("/local/domain/1/data", "", {{1, 'n'}})
                         .bytes())
                    .ok());
    EXPECT_EQ(list(1, "/"), "local|");
    EXPECT_EQ(read(1, "name"), "web");
    EXPECT_EQ(get_perms(1, "name"), "n0|r1|");
    EXPECT_EQ(write(1, "name", "x"), "EACCES");
    EXPECT_EQ(write(1, "data/x", "y"), "OK|");
    EXPECT_EQ(get_perms(0, "/local"), "r0|");
}

TEST_F(InitialTree, says_who_hears_of_the_special_watches) {
    ASSERT_TRUE(load(TreeModule{}
                         .add("@introduceDomain", "", {{0, 'n'}, {2, 'r'}})
                         .add("@releaseDomain", "", {{0, 'n'}, {1, 'r'}})
                         .bytes())
                    .ok());
    for (const uint16_t domain : {uint16_t{1}, uint16_t{2}}) {
        EXPECT_EQ(watch(domain, "@introduceDomain", "i"), "OK|");
        EXPECT_EQ(watch(domain, "@releaseDomain", "r"), "OK|");
        events(domain);
    }
    guest(3);
    EXPECT_EQ(events(1), "");
    EXPECT_EQ(events(2), "@introduceDomain|i|");
    server.shut_down(hv::DomainId{3});
    EXPECT_EQ(events(1), "@releaseDomain|r|");
    guests.erase(3);
    server.bury(hv::DomainId{3});
    EXPECT_EQ(events(1), "@releaseDomain|r|");
    EXPECT_EQ(events(2), "");
    EXPECT_EQ(get_perms(1, "@releaseDomain"), "n0|r1|");
    EXPECT_EQ(get_perms(2, "@releaseDomain"), "EACCES");
    EXPECT_EQ(set_perms(1, "@releaseDomain", "n0|r1|r2|"), "EACCES") << "it only hears";
}

TEST_F(InitialTree, every_fault_is_found) {
    const std::string good = TreeModule{}.add("/a", "v", {{0, 'n'}}).bytes();
    EXPECT_EQ(fault_of("x" + good.substr(1)), TreeFault::WrongMagic);
    EXPECT_EQ(fault_of(good.substr(0, 4) + "\x02" + good.substr(5)), TreeFault::WrongVersion);
    EXPECT_EQ(fault_of(TreeModule{}.add("a", "", {{0, 'n'}}).bytes()), TreeFault::BadPath);
    EXPECT_EQ(fault_of(TreeModule{}.add("/a/", "", {{0, 'n'}}).bytes()), TreeFault::BadPath);
    EXPECT_EQ(fault_of(TreeModule{}.add("", "", {{0, 'n'}}).bytes()), TreeFault::BadPath);
    EXPECT_EQ(fault_of(TreeModule{}.add("@x", "", {{0, 'n'}}).bytes()), TreeFault::BadPath);
    EXPECT_EQ(fault_of(TreeModule{}.add("@releaseDomain", "x", {{0, 'n'}}).bytes()),
              TreeFault::BadPath);
    EXPECT_EQ(fault_of(TreeModule{}.add("@releaseDomain/1", "", {{0, 'n'}}).bytes()),
              TreeFault::BadPath);
    EXPECT_EQ(fault_of(TreeModule{}.add("/b", "", {}).bytes()), TreeFault::BadPermission);
    EXPECT_EQ(fault_of(TreeModule{}.add("/b", "", {{0, 'x'}}).bytes()), TreeFault::BadPermission);
    EXPECT_EQ(fault_of(TreeModule{}.add("/", "", {{1, 'n'}}).bytes()), TreeFault::BadPermission);
    const std::vector<std::pair<uint16_t, char>> many(max_permissions + 1, {0, 'n'});
    EXPECT_EQ(fault_of(TreeModule{}.add("/b", "", many).bytes()), TreeFault::BadPermission);
    EXPECT_EQ(fault_of(TreeModule{}.add("/c", "", {{0, 'n'}}).add("/c", "", {{0, 'n'}}).bytes()),
              TreeFault::Duplicate);
    EXPECT_EQ(fault_of(TreeModule{}.add("/e/f", "", {{0, 'n'}}).add("/e", "", {{0, 'n'}}).bytes()),
              TreeFault::Duplicate);
    EXPECT_EQ(fault_of(TreeModule{}.add("/g", "", {{0, 'n'}}).bytes() + "x"),
              TreeFault::TrailingBytes);
}

TEST_F(InitialTree, every_prefix_is_truncated) {
    const std::string good =
        TreeModule{}.add("/", "root", {{0, 'n'}}).add("/", "v", {{0, 'n'}, {1, 'r'}}).bytes();
    for (size_t size = 0; size < good.size(); ++size) {
        EXPECT_EQ(fault_of(good.substr(0, size)), TreeFault::Truncated) << size;
    }
    EXPECT_TRUE(load(good).ok());
}

TEST_F(InitialTree, owners_pay_and_may_be_out_of_memory) {
    guest(1);
    TreeModule module;
    for (int i = 0; i < 1000; ++i) {
        module.add("/n" + std::to_string(i), std::string(2048, 'x'), {{1, 'n'}});
    }
    const auto loaded = load(module.bytes());
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().fault, TreeFault::NoRoom);
    EXPECT_GT(loaded.error().record, 100U);
    expect_sound();
}

}  // namespace
}  // namespace xenstore::test
