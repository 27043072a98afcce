// SPDX-License-Identifier: Apache-2.0
// Start order and policies of the launch graph: their way through an LCM, their canonical text, and
// which orders are refused, because nobody could carry them out.
#include "launch-config/binding/canonical.hpp"
#include "launch-config/binding/decode.hpp"
#include "launch-config/model/encode.hpp"
#include "tests/unit/launch-config/refusal.hpp"
#include "tests/unit/launch-config/sample_graph.hpp"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <libfdt.h>

namespace launch {
namespace {

using Bytes = std::vector<std::byte>;

// Of the graph below.
enum : size_t { storage, web, batch, rescue, console, xenstore, launcher };

Domain plain(std::string_view name, uint16_t number) {
    Domain domain;
    domain.name = name;
    domain.domid = hv::DomainId{number};
    domain.uuid = test::sample_uuid(static_cast<uint8_t>(number));
    domain.memory_bytes = domain.max_memory_bytes = 16U << 20;
    domain.kernel.module_index = 2;
    domain.kernel.name = "kernel";
    return domain;
}

// storage serves web's disk, web starts after it, and batch after both.
LaunchGraph ordered_graph() {
    LaunchGraph graph;
    graph.builder.module_index = builder_module_index;
    graph.builder.name = "domb";
    uint16_t number = 0;
    for (const char* name :
         {"storage", "web", "batch", "rescue", "console", "xenstore", "launcher"}) {
        static_cast<void>(graph.domains.push(plain(name, ++number)));
    }
    auto& domains = graph.domains;
    domains[rescue].roles.add(Role::Recovery);
    domains[rescue].start_unmeasured = true;
    domains[console].roles.add(Role::Console);
    domains[xenstore].roles.add(Role::Xenstore);
    domains[launcher].roles.add(Role::Launcher);
    domains[storage].ready.when = ReadyWhen::Serving;
    domains[storage].on_failure = Policy::Recovery;
    domains[storage].on_crash = Policy::Halt;
    static_cast<void>(domains[web].disks.push({"xvda", "storage", "/d", DiskMode::ReadWrite}));
    static_cast<void>(domains[web].after.push("storage"));
    domains[web].ready = {ReadyWhen::Xenstore, "data/ready", "up and\\running", 1500};
    static_cast<void>(domains[batch].after.push("web"));
    static_cast<void>(domains[batch].after.push("storage"));
    domains[batch].ready = {ReadyWhen::Console, {}, "login:", max_ready_timeout_ms};
    domains[batch].on_crash = Policy::Recovery;
    return graph;
}

TEST(Order, comes_back_from_an_lcm) {
    const LaunchGraph graph = ordered_graph();
    const Bytes lcm = encode(graph);
    LaunchGraph decoded;
    DecodeNotes notes;
    ASSERT_TRUE(decode(lcm, decoded, &notes).ok()) << refusal(lcm);
    EXPECT_TRUE(notes.empty());
    for (size_t i = 0; i < graph.domains.size(); ++i) {
        const Domain& a = graph.domains[i];
        const Domain& b = decoded.domains[i];
        EXPECT_TRUE(std::equal(a.after.begin(), a.after.end(), b.after.begin(), b.after.end()));
        EXPECT_EQ(a.ready, b.ready) << i;
        EXPECT_EQ(a.on_failure, b.on_failure);
        EXPECT_EQ(a.on_crash, b.on_crash);
        EXPECT_EQ(a.start_unmeasured, b.start_unmeasured);
        EXPECT_EQ(b.is_held(), i == web || i == batch || i == rescue);
    }
    EXPECT_EQ(encode(decoded), lcm);
}

std::string text_of(const Domain& domain) {
    std::vector<char> buffer(max_domain_text_bytes);
    hv::Text out{buffer};
    write_domain_text(domain, {}, out);
    EXPECT_FALSE(out.truncated());
    return std::string{out.view()};
}

TEST(Order, is_measured_where_it_is_not_the_default) {
    const LaunchGraph graph = ordered_graph();
    const auto expect_lines = [](const Domain& domain, const std::string& lines) {
        const std::string text = text_of(domain);
        EXPECT_NE(text.find("\nexpect poweroff\n" + lines), text.npos) << text;
    };
    expect_lines(graph.domains[storage],
                 "ready serving timeout 60000\non-failure recovery\non-crash halt\ncmdline ");
    expect_lines(graph.domains[web],
                 "after storage\n"
                 "ready xenstore data/ready timeout 1500 value up and\\x5crunning\ndisk ");
    expect_lines(graph.domains[batch],
                 "after web,storage\nready console timeout 3600000 text login:\n"
                 "on-crash recovery\ncmdline ");
    expect_lines(graph.domains[rescue], "start-unmeasured 1\ncmdline ");
    expect_lines(graph.domains[launcher], "cmdline ");
}

// What one domain waits for, made into another launch.
struct OrderFault {
    const char* name;
    std::function<void(LaunchGraph&)> change;
    std::string expected;
};

std::string at(size_t domain, const char* property) {
    return "/chosen/hypervisor/domain-" + std::to_string(domain + 1) + " " + property;
}

void wait_for(LaunchGraph& graph, size_t domain, std::string_view name) {
    static_cast<void>(graph.domains[domain].after.push(name));
}

const std::string contradicts = ": contradicts another value";
// clang-format off
const OrderFault order_faults[] = {
    {"nothing", [](LaunchGraph&) {}, "accepted"},
    {"after_unknown", [](LaunchGraph& g) { wait_for(g, web, "strage"); }, at(web, "hl,depends-on: names no domain of the launch")},
    {"after_no_name", [](LaunchGraph& g) { wait_for(g, web, "a b"); }, at(web, "hl,depends-on") + wrong_form},
    {"after_itself", [](LaunchGraph& g) { wait_for(g, web, "web"); }, at(web, "hl,depends-on") + contradicts},
    {"after_twice", [](LaunchGraph& g) { wait_for(g, web, "storage"); }, at(web, "hl,depends-on: is there twice")},
    {"after_recovery", [](LaunchGraph& g) { wait_for(g, web, "rescue"); }, at(web, "hl,depends-on") + contradicts},
    {"after_a_service", [](LaunchGraph& g) { wait_for(g, web, "console"); }, "accepted"},
    {"cycle", [](LaunchGraph& g) { wait_for(g, storage, "batch"); }, at(storage, "hl,depends-on") + contradicts},
    {"console_waits", [](LaunchGraph& g) { wait_for(g, console, "web"); }, at(console, "hl,depends-on") + contradicts},
    {"xenstore_waits", [](LaunchGraph& g) { wait_for(g, xenstore, "web"); }, at(xenstore, "hl,depends-on") + contradicts},
    {"launcher_waits", [](LaunchGraph& g) { wait_for(g, launcher, "web"); }, at(launcher, "hl,depends-on") + contradicts},
    {"recovery_waits", [](LaunchGraph& g) { wait_for(g, rescue, "web"); }, at(rescue, "hl,depends-on") + contradicts},
    {"recovery_is_ready", [](LaunchGraph& g) { g.domains[rescue].ready = g.domains[web].ready; }, at(rescue, "hl,ready-when") + contradicts},
    {"recovery_fails", [](LaunchGraph& g) { g.domains[rescue].on_failure = Policy::Halt; }, at(rescue, "hl,on-failure") + contradicts},
    {"recovery_crashes", [](LaunchGraph& g) { g.domains[rescue].on_crash = Policy::Halt; }, at(rescue, "hl,on-crash") + contradicts},
    {"recovery_serves", [](LaunchGraph& g) { g.domains[web].disks[0].backend = "rescue"; g.domains[storage].ready = {}; }, at(rescue, "hl,backend") + contradicts},
    {"recovery_has_a_device", [](LaunchGraph& g) { g.domains[rescue].disks = g.domains[web].disks; }, "accepted"},
    {"launcher_is_ready", [](LaunchGraph& g) { g.domains[launcher].ready = g.domains[web].ready; }, at(launcher, "hl,ready-when") + contradicts},
    {"launcher_crashes", [](LaunchGraph& g) { g.domains[launcher].on_crash = Policy::Halt; }, at(launcher, "hl,on-crash") + contradicts},
    {"console_crashes", [](LaunchGraph& g) { g.domains[console].on_crash = Policy::Halt; }, "accepted"},
    {"serves_nobody", [](LaunchGraph& g) { g.domains[batch].ready = g.domains[storage].ready; }, at(batch, "hl,ready-when") + contradicts},
    {"connected_to_nothing", [](LaunchGraph& g) { g.domains[storage].ready.when = ReadyWhen::Connected; }, at(storage, "hl,ready-when") + contradicts},
    {"console_of_the_console", [](LaunchGraph& g) { g.domains[console].ready = g.domains[batch].ready; }, at(console, "hl,ready-when") + contradicts},
    {"xenstore_of_the_xenstore", [](LaunchGraph& g) { g.domains[xenstore].ready = g.domains[web].ready; }, at(xenstore, "hl,ready-when") + contradicts},
    {"path_elsewhere", [](LaunchGraph& g) { g.domains[web].ready.path = "device/vbd"; }, at(web, "hl,ready-path") + wrong_form},
    {"path_missing", [](LaunchGraph& g) { g.domains[web].ready.path = {}; }, at(web, "hl,ready-path: is missing")},
    {"path_of_a_console", [](LaunchGraph& g) { g.domains[batch].ready.path = "data"; }, at(batch, "hl,ready-path") + contradicts},
    {"value_unprintable", [](LaunchGraph& g) { g.domains[web].ready.text = "a\nb"; }, at(web, "hl,ready-text") + wrong_form},
    {"any_value", [](LaunchGraph& g) { g.domains[web].ready.text = {}; }, "accepted"},
    {"text_missing", [](LaunchGraph& g) { g.domains[batch].ready.text = {}; }, at(batch, "hl,ready-text: is missing")},
    {"text_of_serving", [](LaunchGraph& g) { g.domains[storage].ready.text = "x"; }, at(storage, "hl,ready-text") + contradicts},
    {"timeout_zero", [](LaunchGraph& g) { g.domains[web].ready.timeout_ms = 0; }, at(web, "hl,ready-timeout-ms: is out of range")},
    {"timeout_long", [](LaunchGraph& g) { g.domains[web].ready.timeout_ms = max_ready_timeout_ms + 1; }, at(web, "hl,ready-timeout-ms: is out of range")},
    {"no_launcher", [](LaunchGraph& g) { g.domains[launcher].roles = {}; }, at(storage, "launcher: is missing")},
    {"no_recovery", [](LaunchGraph& g) { g.domains[rescue].roles = {}; g.domains[rescue].start_unmeasured = false; }, at(storage, "recovery: is missing")},
    {"no_console", [](LaunchGraph& g) { g.domains[console].roles = {}; }, at(batch, "console: is missing")},
    {"two_launchers", [](LaunchGraph& g) { g.domains[batch].roles.add(Role::Launcher); }, at(launcher, "hl,roles: is there twice")},
    {"two_recoveries", [](LaunchGraph& g) { g.domains[storage].roles.add(Role::Recovery); }, at(rescue, "hl,roles: is there twice")},
    {"launcher_and_recovery", [](LaunchGraph& g) { g.domains[rescue].roles.add(Role::Launcher); }, at(rescue, "hl,roles") + contradicts},
    {"launcher_and_xenstore", [](LaunchGraph& g) { g.domains[xenstore].roles.add(Role::Launcher); }, at(xenstore, "hl,roles") + contradicts},
    {"recovery_and_console", [](LaunchGraph& g) { g.domains[console].roles.add(Role::Recovery); }, at(console, "hl,roles") + contradicts},
    {"recovery_and_tpm", [](LaunchGraph& g) { g.domains[rescue].roles.add(Role::Tpm); g.domains[rescue].start_unmeasured = false; }, "accepted"},
    {"unmeasured_with_tpm", [](LaunchGraph& g) { g.domains[rescue].roles.add(Role::Tpm); }, at(rescue, "hl,start-unmeasured") + contradicts},
    {"unmeasured_without_recovery", [](LaunchGraph& g) { g.domains[batch].start_unmeasured = true; }, at(batch, "hl,start-unmeasured") + contradicts},
    {"pv_launcher", [](LaunchGraph& g) { g.domains[launcher].type = DomainType::Pv; }, at(launcher, "hl,roles: is not implemented yet")},
    {"pv_recovery", [](LaunchGraph& g) { g.domains[rescue].type = DomainType::Pv; }, at(rescue, "hl,roles: is not implemented yet")},
};
// clang-format on

TEST(Order, every_fault_is_refused_where_it_is) {
    for (const OrderFault& fault : order_faults) {
        LaunchGraph graph = ordered_graph();
        fault.change(graph);
        EXPECT_EQ(refusal(encode(graph)), fault.expected) << fault.name;
    }
}

// A front end that counts as ready only with its back end, which is to start after it.
TEST(Order, a_back_end_may_not_wait_for_who_needs_it_to_be_ready) {
    LaunchGraph graph = ordered_graph();
    graph.domains[web].after.clear();
    graph.domains[web].ready = {};
    graph.domains[batch].after.clear();
    wait_for(graph, storage, "web");
    EXPECT_EQ(refusal(encode(graph)), "accepted");
    graph.domains[web].ready.when = ReadyWhen::Connected;
    EXPECT_EQ(refusal(encode(graph)), at(storage, "hl,depends-on") + contradicts);
    graph.domains[web].disks.clear();
    graph.domains[storage].ready = {};
    ASSERT_TRUE(graph.domains[web].channels.push({"c", "storage", ChannelEnd::Pty}).ok());
    EXPECT_EQ(refusal(encode(graph)), at(storage, "hl,depends-on") + contradicts);
}

TEST(Order, the_longest_chain_and_the_most_to_wait_for_are_no_cycle) {
    LaunchGraph graph = ordered_graph();
    std::vector<std::string> names;
    for (size_t i = graph.domains.size(); i < max_domains; ++i) {
        names.push_back("link-" + std::to_string(i));
    }
    size_t next = graph.domains.size();
    for (const std::string& name : names) {
        ASSERT_TRUE(graph.domains.push(plain(name, static_cast<uint16_t>(next + 1))).ok());
        // Each waits for the one behind it, which is the hardest order to resolve.
        if (++next < max_domains) {
            wait_for(graph, next - 1, names[next - launcher - 1]);
        }
    }
    for (size_t i = 0; graph.domains[batch].after.size() < max_after; ++i) {
        wait_for(graph, batch, names[i]);
    }
    EXPECT_EQ(refusal(encode(graph)), "accepted");
    wait_for(graph, max_domains - 1, names.front());
    EXPECT_EQ(refusal(encode(graph)), at(batch, "hl,depends-on") + contradicts);
}

TEST(Order, malformed_properties_are_refused) {
    const auto refusal_with = [](const char* property, const void* value, size_t size) {
        const Bytes lcm = encode(ordered_graph());
        Bytes room(lcm.size() + 4096);
        EXPECT_EQ(0, fdt_open_into(lcm.data(), room.data(), static_cast<int>(room.size())));
        const int node = fdt_path_offset(room.data(), "/chosen/hypervisor/domain-2");
        EXPECT_EQ(0, fdt_setprop(room.data(), node, property, value, static_cast<int>(size)));
        return refusal(room);
    };
    EXPECT_EQ(refusal_with("hl,depends-on", "open", 4), at(web, "hl,depends-on") + wrong_form);
    EXPECT_EQ(refusal_with("hl,depends-on", "a\0b\0c\0d\0e\0f\0g\0h\0i", 18),
              at(web, "hl,depends-on: is one more than this version supports"));
    EXPECT_EQ(refusal_with("hl,ready-when", "soon", 5), at(web, "hl,ready-when") + wrong_form);
    EXPECT_EQ(refusal_with("hl,ready-when", "started", 8), at(web, "hl,ready-path") + contradicts);
    EXPECT_EQ(refusal_with("hl,ready-timeout-ms", "1s", 3),
              at(web, "hl,ready-timeout-ms") + wrong_form);
    EXPECT_EQ(refusal_with("hl,on-failure", "restart", 8), at(web, "hl,on-failure") + wrong_form);
    EXPECT_EQ(refusal_with("hl,on-crash", "", 0), at(web, "hl,on-crash") + wrong_form);
}

TEST(Order, a_timeout_alone_says_nothing) {
    const Bytes lcm = encode(ordered_graph());
    Bytes room(lcm.size() + 4096);
    ASSERT_EQ(0, fdt_open_into(lcm.data(), room.data(), static_cast<int>(room.size())));
    const int node = fdt_path_offset(room.data(), "/chosen/hypervisor/domain-4");
    ASSERT_EQ(0, fdt_setprop_u32(room.data(), node, "hl,ready-timeout-ms", 1000));
    EXPECT_EQ(refusal(room), at(rescue, "hl,ready-timeout-ms") + contradicts);
}

TEST(Order, paths_are_the_domains_own) {
    for (const std::string right : {"data", "data/ready", "data/a-b_c@d/0/9", "data/a/b/c"}) {
        EXPECT_TRUE(is_ready_path(right)) << right;
    }
    for (const std::string wrong : {"", "/", "data/", "data//x", "database", "/data/x", "device/x",
                                    "data/a b", "data/a.b", "data/\xc3\xa9", "DATA/x"}) {
        EXPECT_FALSE(is_ready_path(wrong)) << wrong;
    }
    EXPECT_TRUE(is_ready_path("data/" + std::string(max_ready_path_bytes - 5, 'x')));
    EXPECT_FALSE(is_ready_path("data/" + std::string(max_ready_path_bytes - 4, 'x')));
    EXPECT_TRUE(is_ready_text(std::string(max_ready_text_bytes, '~')));
    EXPECT_FALSE(is_ready_text(std::string(max_ready_text_bytes + 1, '~')));
    EXPECT_FALSE(is_ready_text("tab\t"));
}

}  // namespace
}  // namespace launch
