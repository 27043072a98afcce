// SPDX-License-Identifier: Apache-2.0
// What the builder does with domains and modules, and which it refuses.
#include "hv/abi/xen_start_info.hpp"
#include "tests/unit/domb/builder_fixture.hpp"

namespace builder {
namespace {

using hv::abi::LaunchOutcome;
using measure::Algorithm;

class Builder : public BuilderFixture {};

TEST_F(Builder, measures_and_fills_every_domain_then_caps) {
    add_domain("one", "/domains/0", true);
    add_domain("two", "/domains/1", false);
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(events.events(),
              (std::vector<std::string>{"12 13", "13 6", "13 6",  // one: text, kernel, initrd
                                        "12 13", "13 6",          // two: text, kernel
                                        "12 4", "13 4"}));
    EXPECT_TRUE(events.data[0].starts_with("domain one\n"));
    EXPECT_EQ(events.digests[1], measure::hash(banks, contents_[2]));
    EXPECT_EQ(events.digests[2], measure::hash(banks, contents_[3]));
    EXPECT_EQ(events.last_data, std::string(4, '\0'));
    EXPECT_TRUE(events.finished);
    EXPECT_EQ(hypervisor.capped, std::pair(uint64_t{events.log_used()}, true));
    EXPECT_EQ(
        hypervisor.records,
        (std::vector<std::string>{
            "event=domain-measured domid=1 name=one", "event=domain-built domid=1 outcome=ready",
            "event=domain-measured domid=2 name=two", "event=domain-built domid=2 outcome=ready"}));
    const auto& one = hypervisor.domains[1];
    EXPECT_EQ(one.outcome, LaunchOutcome::Ready);
    EXPECT_EQ(one.eip, 0x1000000U);
    EXPECT_EQ(one.read(0x1000000, 0x1800), std::vector<std::byte>(0x1800, std::byte{'K'}));
    ASSERT_TRUE(one.memory_map.has_value());
    EXPECT_EQ(one.memory_map->size(), 4U);
    const auto info = one.read_object<hv::abi::HvmStartInfo>(one.ebx);
    EXPECT_EQ(info.magic, hv::abi::XEN_HVM_START_MAGIC_VALUE);
    const auto initrd = one.read_object<hv::abi::HvmModlistEntry>(info.modlist_paddr);
    EXPECT_EQ(one.read(initrd.paddr, initrd.size), contents_[3]);
}

TEST_F(Builder, does_not_copy_zeros_at_the_end_of_a_segment) {
    test::ElfFile file;
    file.add_load(0x1000000,
                  "code" + std::string(0x3000, '\0') + "data" + std::string(0x5000, '\0'), 0x10000);
    file.add_note(test::ElfFile::note("Xen", 18, test::ElfFile::number(0x1000000, 8)));
    contents_[2] = file.bytes();
    modules_[2] = contents_[2];
    add_domain("one", "/domains/0", false);
    EXPECT_EQ(build(&events), Outcome::Capped);
    const auto& ram = hypervisor.domains[1].ram.at(0x1000000);
    EXPECT_GE(ram.size(), 0x3008U);
    EXPECT_LE(ram.size(), 0x3008U + 64);
    // What is not copied is zeroed, to the end of the segment in memory.
    EXPECT_EQ(hypervisor.domains[1].zeroed.at(0x1000000 + ram.size()), 0x10000 - ram.size());
    EXPECT_EQ(hypervisor.domains[1].read(0x1003004, 4),
              (std::vector{std::byte{'d'}, std::byte{'a'}, std::byte{'t'}, std::byte{'a'}}));
}

TEST_F(Builder, repeats_digests_in_the_mirror) {
    mirror = true;
    add_domain("one", "/domains/0", false);
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(events.events(),
              (std::vector<std::string>{"12 13", "21 6", "13 6", "21 6", "12 4", "13 4", "21 4"}));
}

TEST_F(Builder, refuses_one_domain_and_builds_the_others) {
    add_domain("bad", "/domains/0", false).kernel.module_index = 4;
    graph.domains[0].kernel.size_bytes = contents_[4].size();
    add_domain("good", "/domains/1", false);
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Refused);
    EXPECT_EQ(outcome(2), LaunchOutcome::Ready);
    EXPECT_EQ(hypervisor.records[1],
              "event=domain-built domid=1 outcome=refused reason=no-pvh-note "
              "path=/domains/0/kernel");
    EXPECT_EQ(hypervisor.printed, "domain \"bad\" (/domains/0/kernel) is refused: no-pvh-note\n");
    EXPECT_EQ(hypervisor.domains[1].refused_for, "/domains/0/kernel: no-pvh-note");
    EXPECT_EQ(hypervisor.domains[2].refused_for, "");
    // The refusal is an event after what was measured of the domain.
    EXPECT_EQ(events.events().size(), 7U);
    EXPECT_NE(events.data[2].find("no-pvh-note"), std::string::npos);
}

TEST_F(Builder, enforces_expected_digests) {
    auto& domain = add_domain("one", "/domains/0", true);
    domain.initrd->expected_sha256.emplace();
    build(&events);
    EXPECT_EQ(outcome(1), LaunchOutcome::Refused);
    EXPECT_NE(hypervisor.printed.find("/domains/0/initrd"), std::string::npos);
    EXPECT_NE(hypervisor.printed.find("expected-digest-differs"), std::string::npos);

    const auto right = measure::hash(banks, contents_[3]);
    std::ranges::copy(right.get(Algorithm::Sha256), domain.initrd->expected_sha256->begin());
    build(nullptr);
    graph.measurement = launch::Measurement::Preferred;
    EXPECT_EQ(build(nullptr), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Ready);
}

TEST_F(Builder, refuses_missing_and_short_modules) {
    add_domain("missing", "/domains/0", true).kernel.module_index = 5;
    add_domain("short", "/domains/1", true).initrd->size_bytes += 1;
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(hypervisor.records[1],
              "event=domain-built domid=1 outcome=refused reason=module-missing "
              "path=/domains/0/kernel");
    EXPECT_EQ(hypervisor.records[3],
              "event=domain-built domid=2 outcome=refused reason=module-size-differs "
              "path=/domains/1/initrd");
}

TEST_F(Builder, takes_modules_of_any_size_where_the_plan_names_none) {
    launch::Domain& domain = add_domain("one", "/domains/0", true);
    domain.kernel.size_bytes = 0;
    domain.initrd->size_bytes = 0;
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Ready);
}

TEST_F(Builder, refuses_a_domain_with_too_little_memory) {
    add_domain("one", "/domains/0", true).memory_bytes = 0x1002000;
    add_domain("two", "/domains/1", false).memory_bytes = 0x1001000;
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Ready);  // initrd below the kernel
    EXPECT_EQ(hypervisor.records[3],
              "event=domain-built domid=2 outcome=refused reason=too-little-memory "
              "path=/domains/1/memory");
}

TEST_F(Builder, measures_a_pv_domain_like_any_other) {
    contents_[2] = test::ElfFile::good_pv().bytes();
    modules_[2] = contents_[2];
    auto& domain = add_domain("one", "/domains/0", true);
    domain.type = launch::DomainType::Pv;
    domain.p2m = launch::P2mOrder::Permuted;
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Ready);
    EXPECT_EQ(events.events(), (std::vector<std::string>{"12 13", "13 6", "13 6", "12 4", "13 4"}));
    EXPECT_NE(events.data[0].find("\ntype pv\npv-p2m permuted\n"), std::string::npos);
    EXPECT_EQ(events.digests[1], measure::hash(banks, contents_[2]));
    ASSERT_TRUE(hypervisor.domains[1].pv_start.has_value());

    // A kernel for PVH alone is measured, then refused.
    contents_[2] = test::ElfFile::good().bytes();
    modules_[2] = contents_[2];
    domain.kernel.size_bytes = contents_[2].size();
    FakeEvents fresh;
    EXPECT_EQ(build(&fresh), Outcome::Capped);
    EXPECT_EQ(hypervisor.records.back(),
              "event=domain-built domid=1 outcome=refused reason=no-pv-notes "
              "path=/domains/0/kernel");
    EXPECT_EQ(fresh.events().size(), 6U);
}

TEST_F(Builder, refuses_types_it_cannot_build) {
    add_domain("one", "/domains/0", false).type = launch::DomainType::Hvm;
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Refused);
}

TEST_F(Builder, refuses_a_domain_whenever_the_hypervisor_refuses_an_operation) {
    add_domain("one", "/domains/0", true);
    int n = 0;
    for (;; ++n) {
        hypervisor = {};
        hypervisor.refuse_after = n;
        FakeEvents fresh;
        EXPECT_EQ(build(&fresh), Outcome::Capped);
        if (outcome(1) == LaunchOutcome::Ready) {
            break;
        }
        EXPECT_NE(hypervisor.printed.find("hypervisor-refused"), std::string::npos);
    }
    EXPECT_EQ(n, 6);  // segment and its zeros, initrd, tables, memory map, vCPU
}

TEST_F(Builder, fails_when_the_hypervisor_does_not_take_an_outcome) {
    add_domain("one", "/domains/0", true);
    add_domain("two", "/domains/1", true);
    for (const uint16_t domid : std::initializer_list<uint16_t>{1, 2}) {
        hypervisor = {};
        hypervisor.refuses_outcomes_of = {domid};
        FakeEvents fresh;
        EXPECT_EQ(build(&fresh), Outcome::Failed) << domid;
        EXPECT_FALSE(hypervisor.capped.has_value());
    }
}

TEST_F(Builder, refuses_what_the_heap_cannot_hold) {
    heap_bytes = 8192;
    add_domain("one", "/domains/0", true);
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Refused);
}

TEST_F(Builder, copies_a_shared_module_once) {
    heap_bytes = 8192 + 8192;  // one kernel, one initrd
    add_domain("one", "/domains/0", true);
    add_domain("two", "/domains/1", true);
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Ready);
    EXPECT_EQ(outcome(2), LaunchOutcome::Ready);
}

}  // namespace
}  // namespace builder
