// SPDX-License-Identifier: Apache-2.0
// READ, WRITE, MKDIR, RM, DIRECTORY and DIRECTORY_PART.
#include "tests/unit/domb/xenstore/client.hpp"

namespace xenstore::test {
namespace {

using NodeRequests = ServerTest;

TEST_F(NodeRequests, reads_what_was_written) {
    EXPECT_EQ(write(0, "/a", "hello"), "OK|");
    EXPECT_EQ(read(0, "/a"), "hello");
    EXPECT_EQ(write(0, "/a", ""), "OK|");
    EXPECT_EQ(read(0, "/a"), "");
}

TEST_F(NodeRequests, keeps_any_bytes_of_any_length) {
    std::string value;
    for (size_t size = 0; size <= 4096 - 4; size += size < 130 ? 1 : 611) {
        while (value.size() < size) {
            value += static_cast<char>(value.size() * 7);
        }
        const std::string payload = std::string{"/a"} + '\0' + value;
        ASSERT_EQ(exchange(0, XsType::XS_WRITE, payload).type(), XsType::XS_WRITE);
        ASSERT_EQ(exchange(0, XsType::XS_READ, nul("/a|")).payload, value) << size;
    }
}

TEST_F(NodeRequests, write_makes_missing_parents_with_empty_values) {
    EXPECT_EQ(write(0, "/a/b/c", "x"), "OK|");
    EXPECT_EQ(read(0, "/a"), "");
    EXPECT_EQ(read(0, "/a/b"), "");
    EXPECT_EQ(read(0, "/a/b/c"), "x");
    EXPECT_EQ(list(0, "/"), "a|");
    EXPECT_EQ(list(0, "/a"), "b|");
}

TEST_F(NodeRequests, mkdir_makes_parents_and_leaves_values_alone) {
    EXPECT_EQ(write(0, "/a", "x"), "OK|");
    EXPECT_EQ(mkdir(0, "/a"), "OK|");
    EXPECT_EQ(mkdir(0, "/a/b/c"), "OK|");
    EXPECT_EQ(read(0, "/a"), "x");
    EXPECT_EQ(read(0, "/a/b/c"), "");
}

TEST_F(NodeRequests, relative_paths_are_below_the_callers_home) {
    make_home(3);
    EXPECT_EQ(write(3, "data/x", "mine"), "OK|");
    EXPECT_EQ(read(0, "/local/domain/3/data/x"), "mine");
    EXPECT_EQ(read(3, "data/x"), "mine");
    EXPECT_EQ(list(3, "data"), "x|");
}

TEST_F(NodeRequests, missing_nodes_are_enoent) {
    EXPECT_EQ(read(0, "/no"), "ENOENT");
    EXPECT_EQ(list(0, "/no/such"), "ENOENT");
    EXPECT_EQ(get_perms(0, "/no"), "ENOENT");
    EXPECT_EQ(set_perms(0, "/no", "n0|"), "ENOENT");
    EXPECT_EQ(ask(0, XsType::XS_DIRECTORY_PART, "/no|0|"), "ENOENT");
}

TEST_F(NodeRequests, rm_removes_everything_below) {
    EXPECT_EQ(write(0, "/a/b/c", "x"), "OK|");
    EXPECT_EQ(write(0, "/a/b/d/e", "x"), "OK|");
    EXPECT_EQ(write(0, "/a/f", "x"), "OK|");
    EXPECT_EQ(rm(0, "/a/b"), "OK|");
    EXPECT_EQ(list(0, "/a"), "f|");
    EXPECT_EQ(read(0, "/a/b/d/e"), "ENOENT");
    EXPECT_EQ(rm(0, "/a"), "OK|");
    EXPECT_EQ(list(0, "/"), "");
}

TEST_F(NodeRequests, rm_of_a_missing_node_needs_its_parent) {
    EXPECT_EQ(mkdir(0, "/a"), "OK|");
    EXPECT_EQ(rm(0, "/a/b"), "OK|");
    EXPECT_EQ(rm(0, "/b"), "OK|");
    EXPECT_EQ(rm(0, "/a/b/c"), "ENOENT");
    EXPECT_EQ(rm(0, "/"), "EINVAL");
}

TEST_F(NodeRequests, directories_list_children_in_the_order_of_making) {
    for (const char* name : {"/d/c", "/d/a", "/d/b", "/d/e"}) {
        EXPECT_EQ(mkdir(0, name), "OK|");
    }
    EXPECT_EQ(list(0, "/d"), "c|a|b|e|");
    EXPECT_EQ(rm(0, "/d/e"), "OK|");
    EXPECT_EQ(rm(0, "/d/c"), "OK|");
    EXPECT_EQ(list(0, "/d"), "a|b|");
    EXPECT_EQ(mkdir(0, "/d/c"), "OK|");
    EXPECT_EQ(list(0, "/d"), "a|b|c|");
}

TEST_F(NodeRequests, a_large_directory_comes_in_parts) {
    std::string expected;
    for (int i = 0; i < 900; ++i) {
        const std::string name = "child-" + std::to_string(i);
        ASSERT_EQ(mkdir(0, "/d/" + name), "OK|");
        expected += name + "|";
    }
    EXPECT_EQ(list(0, "/d"), "E2BIG");
    std::string all;
    std::string generation;
    for (int parts = 0; parts < 10; ++parts) {
        const std::string reply =
            ask(0, XsType::XS_DIRECTORY_PART, "/d|" + std::to_string(all.size()) + "|");
        const size_t end = reply.find('|');
        EXPECT_TRUE(generation.empty() || generation == reply.substr(0, end));
        generation = reply.substr(0, end);
        const std::string names = reply.substr(end + 1);
        if (names.ends_with("||") || names == "|") {
            all += names.substr(0, names.size() - 1);
            break;
        }
        ASSERT_FALSE(names.empty());
        all += names;
    }
    EXPECT_EQ(all, expected);
    EXPECT_EQ(mkdir(0, "/d/one-more"), "OK|");
    EXPECT_FALSE(ask(0, XsType::XS_DIRECTORY_PART, "/d|0|").starts_with(generation + "|"));
}

TEST_F(NodeRequests, directory_part_of_small_and_empty_directories) {
    EXPECT_EQ(mkdir(0, "/d/a"), "OK|");
    const std::string whole = ask(0, XsType::XS_DIRECTORY_PART, "/d|0|");
    EXPECT_EQ(whole.substr(whole.find('|')), "|a||");
    const std::string rest = ask(0, XsType::XS_DIRECTORY_PART, "/d|2|");
    EXPECT_EQ(rest.substr(rest.find('|')), "||");
    const std::string empty = ask(0, XsType::XS_DIRECTORY_PART, "/d/a|0|");
    EXPECT_EQ(empty.substr(empty.find('|')), "||");
    EXPECT_EQ(ask(0, XsType::XS_DIRECTORY_PART, "/d|3|"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_DIRECTORY_PART, "/d|-1|"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_DIRECTORY_PART, "/d|99999999999|"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_DIRECTORY_PART, "/d|"), "EINVAL");
}

TEST_F(NodeRequests, the_value_is_part_of_the_generation_of_parts) {
    EXPECT_EQ(mkdir(0, "/d/a"), "OK|");
    const std::string before = ask(0, XsType::XS_DIRECTORY_PART, "/d|0|");
    EXPECT_EQ(ask(0, XsType::XS_DIRECTORY_PART, "/d|0|"), before);
    EXPECT_EQ(write(0, "/d", "v"), "OK|");
    EXPECT_NE(ask(0, XsType::XS_DIRECTORY_PART, "/d|0|"), before);
}

TEST_F(NodeRequests, malformed_paths_are_einval) {
    const std::string long_path = "/" + std::string(3072, 'a');
    const std::string long_relative = std::string(2049, 'a');
    for (const std::string& path :
         {std::string{""}, std::string{"//"}, std::string{"/a/"}, std::string{"/a//b"},
          std::string{"a/"}, std::string{"/a b"}, std::string{"/\x80"}, std::string{"/a.b"},
          std::string{"/*"}, std::string{"@releaseDomain"}, long_path, long_relative}) {
        EXPECT_EQ(read(0, path), "EINVAL") << path;
        EXPECT_EQ(write(0, path, "x"), "EINVAL") << path;
        EXPECT_EQ(mkdir(0, path), "EINVAL") << path;
        EXPECT_EQ(rm(0, path), "EINVAL") << path;
        EXPECT_EQ(list(0, path), "EINVAL") << path;
    }
    EXPECT_EQ(list(0, "/"), "");
}

TEST_F(NodeRequests, the_longest_paths_work) {
    const std::string deep = [] {
        std::string path;
        while (path.size() + 2 <= 3072) {
            path += "/a";
        }
        return path;
    }();
    EXPECT_EQ(write(0, deep, "deep"), "OK|");
    EXPECT_EQ(read(0, deep), "deep");
    const std::string wide = "/" + std::string(3071, 'w');
    EXPECT_EQ(write(0, wide, "wide"), "OK|");
    EXPECT_EQ(read(0, wide), "wide");
    make_home(3);
    const std::string relative(2048, 'r');
    EXPECT_EQ(write(3, relative, "r"), "OK|");
    EXPECT_EQ(read(3, relative), "r");
    expect_sound();
    EXPECT_EQ(rm(0, "/a"), "OK|");
}

TEST_F(NodeRequests, payloads_without_the_right_strings_are_einval) {
    for (const XsType type : {XsType::XS_READ, XsType::XS_MKDIR, XsType::XS_RM,
                              XsType::XS_DIRECTORY, XsType::XS_GET_PERMS}) {
        EXPECT_EQ(ask(0, type, ""), "EINVAL");
        EXPECT_EQ(ask(0, type, "/a"), "EINVAL");
        EXPECT_EQ(ask(0, type, "/a|b"), "EINVAL");
        EXPECT_EQ(ask(0, type, "/a|/b|"), "EINVAL");
    }
    EXPECT_EQ(ask(0, XsType::XS_WRITE, "/a"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_WRITE, ""), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_SET_PERMS, "/|"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_SET_PERMS, "/|r0"), "EINVAL");
}

TEST_F(NodeRequests, unknown_types_are_enosys) {
    for (const uint32_t type : {15U, 16U, 20U, 27U, 0xffffU, 0xffffffffU}) {
        EXPECT_EQ(ask(0, static_cast<XsType>(type), "/a|"), "ENOSYS") << type;
    }
}

}  // namespace
}  // namespace xenstore::test
