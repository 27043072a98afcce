// SPDX-License-Identifier: Apache-2.0
// The tree in memory and its two forms, and the whole tree of an example, line by line.
#include "launch-config/xenstore/tree.hpp"

#include "hv/abi/xenstore_tree.hpp"
#include "launch-config/xenstore/initial_tree.hpp"
#include "tests/unit/launch-config/xenstore/example_launch.hpp"

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <gtest/gtest.h>

namespace launch::xenstore {
namespace {

const Permissions nobody{{hv::DomainId{0}, 'n'}};
const Permissions ones{{hv::DomainId{1}, 'n'}, {hv::DomainId{2}, 'r'}};

TEST(XenstoreTree, parents_are_made_and_hand_down_their_permissions) {
    Tree tree{nobody};
    tree.make("/a", ones);
    tree.write("/a/b/c", "value");
    tree.write("/d", "x");
    tree.write("/a/b", "now");
    EXPECT_EQ(to_text(tree),
              "/a = \"\"   (n1,r2)\n"
              "/a/b = \"now\"   (n1,r2)\n"
              "/a/b/c = \"value\"   (n1,r2)\n"
              "/d = \"x\"   (n0)\n");
}

TEST(XenstoreTree, a_parent_comes_before_children_that_were_made_later) {
    Tree tree{nobody};
    tree.write("/z/1", "");
    tree.write("/a", "");
    tree.write("/z/10", "");
    tree.write("/z/2", "", ones);
    std::vector<std::string> paths;
    for (const Node& node : tree.nodes()) {
        paths.push_back(node.path);
    }
    EXPECT_EQ(paths, (std::vector<std::string>{"/", "/z", "/z/1", "/z/10", "/z/2", "/a"}));
}

TEST(XenstoreTree, special_watches_stand_behind_the_nodes) {
    Tree tree{nobody};
    tree.make_special("@releaseDomain", ones);
    tree.write("/a", "x");
    EXPECT_EQ(to_text(tree),
              "/a = \"x\"   (n0)\n"
              "@releaseDomain = \"\"   (n1,r2)\n");
}

TEST(XenstoreTree, a_module_has_the_form_of_its_header) {
    Tree tree{nobody};
    tree.write("/a", "xyz", ones);
    const auto module = to_module(tree);
    const std::string expected{
        "GXST\1\0\0\0\2\0\0\0"
        "\1\0\0\0\1\0"
        "\0\0n\0"
        "/"
        "\2\0\3\0\2\0"
        "\1\0n\0\2\0r\0"
        "/a"
        "xyz",
        12 + 6 + 4 + 1 + 6 + 8 + 2 + 3};
    ASSERT_EQ(module.size(), expected.size());
    EXPECT_EQ(std::memcmp(module.data(), expected.data(), expected.size()), 0);
}

TEST(XenstoreTree, what_has_no_room_is_not_cut) {
    Tree long_value{nobody};
    long_value.write("/a", std::string(65536, 'x'));
    EXPECT_THROW(to_module(long_value), std::length_error);
    Tree many{nobody};
    many.make("/a", Permissions(hv::abi::xenstore_tree_max_permissions + 1, nobody[0]));
    EXPECT_THROW(to_module(many), std::length_error);
}

TEST(InitialTree, is_this_one_for_the_example) {
    const std::string file =
        GANTRY_SOURCE_DIR "/tests/unit/launch-config/xenstore/example_tree.txt";
    const std::string text = to_text(initial_tree(test::example_launch()));
    if (std::getenv("UPDATE") != nullptr) {
        std::ofstream{file} << text;
    }
    std::ifstream stream{file};
    const std::string expected{std::istreambuf_iterator<char>{stream}, {}};
    EXPECT_EQ(expected, text) << "UPDATE=1 writes it anew, for review";
}

// The lines of the tree that a domain may read beside its owner.
std::string readable_lines(const LaunchGraph& graph, const char* reader) {
    std::istringstream tree{to_text(initial_tree(graph))};
    std::string lines;
    for (std::string line; std::getline(tree, line);) {
        if (line.find(std::string{",r"} + reader) != line.npos) {
            lines += line + "\n";
        }
    }
    return lines;
}

// The home and what all may see of it aside, the launcher reads what some `ready` names.
TEST(InitialTree, lets_the_launcher_read_what_readiness_needs_and_nothing_else) {
    LaunchGraph graph = test::example_launch();
    const std::string without = to_text(initial_tree(graph));
    static_cast<void>(graph.domains.push(test::example_service(7, "launcher", Role::Launcher)));
    const std::string own = readable_lines(graph, "7");
    EXPECT_EQ(own.find("/backend/vbd"), own.npos);
    const auto added = [&](const std::function<void(LaunchGraph&)>& change) {
        LaunchGraph changed = graph;
        change(changed);
        std::istringstream all{readable_lines(changed, "7")};
        std::string lines;
        for (std::string line; std::getline(all, line);) {
            lines += own.find(line + "\n") == own.npos ? line + "\n" : "";
        }
        return lines;
    };
    EXPECT_EQ(added([](LaunchGraph& g) { g.domains[0].ready.when = ReadyWhen::Serving; }),
              "/local/domain/1/backend/vbd/2/51712/state = \"1\"   (n1,r2,r7)\n"
              "/local/domain/1/backend/vbd/3/51712/state = \"1\"   (n1,r3,r7)\n"
              "/local/domain/1/backend/vbd/3/268439553/state = \"1\"   (n1,r3,r7)\n");
    EXPECT_EQ(added([](LaunchGraph& g) { g.domains[2].ready.when = ReadyWhen::Connected; }),
              "/local/domain/1/backend/vbd/3/51712/state = \"1\"   (n1,r3,r7)\n"
              "/local/domain/1/backend/vbd/3/268439553/state = \"1\"   (n1,r3,r7)\n"
              "/local/domain/2/backend/vif/3/0/state = \"1\"   (n2,r3,r7)\n"
              "/local/domain/5/backend/console/3/1/state = \"1\"   (n5,r3,r7)\n");
    EXPECT_EQ(added([](LaunchGraph& g) {
                  g.domains[0].ready.when = ReadyWhen::Serving;
                  g.domains[1].ready.when = ReadyWhen::Connected;
              }).find("r7,r7"),
              std::string::npos);
    EXPECT_EQ(added([](LaunchGraph& g) {
                  g.domains[3].ready = {ReadyWhen::Xenstore, "data/a/ready", {}, 1};
              }),
              "/local/domain/4/data/a/ready = \"\"   (n4,r7)\n");
    EXPECT_EQ(added([](LaunchGraph& g) {
                  g.domains[3].ready = {ReadyWhen::Xenstore, "data", {}, 1};
              }),
              "/local/domain/4/data = \"\"   (n4,r7)\n");
    EXPECT_EQ(added([](LaunchGraph& g) { g.domains[3].ready.when = ReadyWhen::Console; }),
              "/local/domain/5/matched/4 = \"\"   (n5,r7)\n");
    graph.domains.pop();
    graph.domains[3].ready.when = ReadyWhen::Serving;
    EXPECT_EQ(to_text(initial_tree(graph)), without);
}

TEST(InitialTree, gives_the_recovery_domain_its_reason) {
    LaunchGraph graph = test::example_launch();
    graph.domains[3].roles.add(Role::Recovery);
    static_cast<void>(graph.domains.push(test::example_service(7, "launcher", Role::Launcher)));
    EXPECT_NE(to_text(initial_tree(graph))
                  .find("/local/domain/4/recovery = \"\"   (n0,r4)\n"
                        "/local/domain/4/recovery/reason = \"\"   (n7,r4)\n"),
              std::string::npos);
}

TEST(InitialTree, is_the_same_every_time) {
    EXPECT_EQ(to_module(initial_tree(test::example_launch())),
              to_module(initial_tree(test::example_launch())));
}

TEST(InitialTree, says_nothing_of_services_that_are_not_there) {
    LaunchGraph graph = test::example_launch();
    graph.domains.pop();
    graph.domains[2].channels.clear();
    graph.domains.pop();
    const std::string text = to_text(initial_tree(graph));
    for (const char* absent : {"/store", "/console", "/tool/xenstored/domid"}) {
        EXPECT_EQ(text.find(absent), text.npos) << absent;
    }
}

}  // namespace
}  // namespace launch::xenstore
