// SPDX-License-Identifier: Apache-2.0
// The builder's whole job against a fake hypervisor and a log without a TPM.
#include "domb/builder/builder.hpp"

#include "hv/abi/launcher_plan.hpp"
#include "hv/abi/service_plan.hpp"
#include "hv/abi/xen_start_info.hpp"
#include "measure/tcg/log_reader.hpp"
#include "tests/unit/domb/elf_file.hpp"
#include "tests/unit/domb/fake_hypervisor.hpp"

#include <gtest/gtest.h>

namespace builder {
namespace {

using hv::abi::LaunchOutcome;
using measure::Algorithm;
using measure::BankSet;
using test::FakeHypervisor;

constexpr BankSet banks{0b0110};  // SHA-256, SHA-384

// A log in memory whose TPM fails at a chosen event.
class FakeEvents final : public Events {
  public:
    FakeEvents() { EXPECT_TRUE(log_.start(banks).ok()); }
    hv::Result<void, measure::MeasureError> record(const measure::Event& event) override {
        if (fail_after >= 0 && fail_after-- == 0) {
            return hv::Err{measure::MeasureError{
                measure::TpmError{measure::TpmError::Kind::ResponseCode, 0x101}}};
        }
        if (!log_.append(event).ok()) {
            return hv::Err{measure::MeasureError{}};
        }
        return hv::Ok{};
    }
    [[nodiscard]] size_t log_used() const override { return log_.used(); }
    void finish() override { finished = true; }

    // One line per event: PCR, first 16 characters of its data.
    [[nodiscard]] std::vector<std::string> events() const {
        std::vector<std::string> out;
        auto reader = measure::LogReader::open(log_.bytes()).take();
        while (!reader.at_end()) {
            const auto record = reader.next().take();
            out.push_back(std::to_string(record.pcr.value()) + " " +
                          std::to_string(static_cast<uint32_t>(record.type)));
            last_data = {reinterpret_cast<const char*>(record.data.data()), record.data.size()};
            data.push_back(last_data);
            digests.push_back(record.digests);
        }
        return out;
    }

    int fail_after = -1;
    bool finished = false;
    mutable std::string last_data;
    mutable std::vector<std::string> data;
    mutable std::vector<measure::DigestSet> digests;

  private:
    std::vector<std::byte> area_ = std::vector<std::byte>(64 * 1024);
    measure::LogWriter log_{area_};
};

class Builder : public testing::Test {
  protected:
    // Modules: 0 LCM, 1 domB, 2 kernel, 3 initrd, 4 a second kernel without PVH note.
    Builder() {
        test::ElfFile no_note;
        no_note.add_load(0x1000000, "code", 4);
        contents_ = {std::vector<std::byte>(10), std::vector<std::byte>(20),
                     test::ElfFile::good().bytes(), std::vector<std::byte>(5000, std::byte{'I'}),
                     no_note.bytes()};
        for (const auto& c : contents_) {
            modules_.emplace_back(c);
        }
    }
    launch::Domain& add_domain(std::string_view name, std::string_view path, bool with_initrd) {
        launch::Domain domain;
        domain.domid = hv::DomainId{static_cast<uint16_t>(graph.domains.size() + 1)};
        domain.name = name;
        domain.path = path;
        domain.memory_bytes = 64 << 20;
        domain.kernel.module_index = 2;
        domain.kernel.name = "vmlinux";
        domain.kernel.size_bytes = contents_[2].size();
        if (with_initrd) {
            domain.initrd.emplace();
            domain.initrd->module_index = 3;
            domain.initrd->name = "initrd";
            domain.initrd->size_bytes = contents_[3].size();
        }
        EXPECT_TRUE(graph.domains.push(domain).ok());
        return graph.domains.back();
    }
    Outcome build(FakeEvents* used) {
        std::vector<std::byte> heap(heap_bytes);
        std::vector<std::byte> tables(layout::tables_end - layout::tables);
        Arena arena{heap};
        auto modules = std::make_unique<Modules>(modules_, arena, banks);
        Measurement measurement{
            used, {.pcrs = graph.pcrs, .banks = banks, .mirror = mirror}, log_used_before};
        return build_all({.graph = graph,
                          .hypervisor = hypervisor,
                          .modules = *modules,
                          .measurement = measurement,
                          .tables = tables,
                          .tpm_log_bytes = 0x2000});
    }
    std::optional<LaunchOutcome> outcome(uint16_t domid) {
        return hypervisor.domains[domid].outcome;
    }

    launch::LaunchGraph graph;
    FakeHypervisor hypervisor;
    FakeEvents events;
    bool mirror = false;
    size_t heap_bytes = 1 << 20;
    uint64_t log_used_before = 0;
    std::vector<std::vector<std::byte>> contents_;
    std::vector<std::span<const std::byte>> modules_;
};

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
    hypervisor.refuses_outcomes = true;
    EXPECT_EQ(build(&events), Outcome::Failed);
    EXPECT_FALSE(hypervisor.capped.has_value());
}

TEST_F(Builder, under_required_fails_at_every_tpm_error) {
    add_domain("one", "/domains/0", true);
    add_domain("two", "/domains/1", true);
    constexpr int event_count = 8;
    for (int n = 0; n < event_count; ++n) {
        hypervisor = {};
        FakeEvents failing;
        failing.fail_after = n;
        EXPECT_EQ(build(&failing), Outcome::Failed) << n;
        EXPECT_FALSE(hypervisor.capped.has_value());
        EXPECT_TRUE(failing.finished);
        EXPECT_EQ(outcome(2), n < 6 ? LaunchOutcome::Refused : LaunchOutcome::Ready) << n;
        EXPECT_NE(hypervisor.printed.find("TPM"), std::string::npos);
    }
}

TEST_F(Builder, under_required_starts_nothing_without_a_tpm) {
    add_domain("one", "/domains/0", true);
    EXPECT_EQ(build(nullptr), Outcome::Failed);
    EXPECT_EQ(outcome(1), LaunchOutcome::Refused);
    EXPECT_TRUE(hypervisor.domains[1].ram.empty());
    EXPECT_EQ(hypervisor.records,
              (std::vector<std::string>{"event=domain-built domid=1 outcome=refused "
                                        "reason=not-measured path=/domains/0"}));
}

TEST_F(Builder, under_required_builds_who_starts_unmeasured) {
    add_domain("one", "/domains/0", true);
    add_domain("rescue", "/domains/1", true).start_unmeasured = true;
    add_domain("three", "/domains/2", true);
    for (FakeEvents* failing : {static_cast<FakeEvents*>(nullptr), &events}) {
        hypervisor = {};
        events.fail_after = 4;  // in the second domain
        EXPECT_EQ(build(failing), Outcome::Capped);
        EXPECT_EQ(outcome(1), failing == nullptr ? LaunchOutcome::Refused : LaunchOutcome::Ready);
        EXPECT_EQ(outcome(2), LaunchOutcome::Ready);
        EXPECT_EQ(outcome(3), LaunchOutcome::Refused);
        ASSERT_TRUE(hypervisor.capped.has_value());
        EXPECT_FALSE(hypervisor.capped->second) << "hv starts that one alone";
        EXPECT_NE(hypervisor.printed.find("measurement has failed"), std::string::npos);
    }
}

TEST_F(Builder, under_preferred_goes_on_unmeasured) {
    graph.measurement = launch::Measurement::Preferred;
    add_domain("one", "/domains/0", true);
    events.fail_after = 1;
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Ready);
    ASSERT_TRUE(hypervisor.capped.has_value());
    EXPECT_FALSE(hypervisor.capped->second);
}

TEST_F(Builder, caps_the_log_of_hv_when_the_tpm_cannot_be_opened) {
    graph.measurement = launch::Measurement::Preferred;
    log_used_before = 1234;
    add_domain("one", "/domains/0", true);
    EXPECT_EQ(build(nullptr), Outcome::Capped);
    EXPECT_EQ(hypervisor.capped, std::pair(uint64_t{1234}, false));
}

TEST_F(Builder, under_off_measures_nothing_and_says_nothing) {
    graph.measurement = launch::Measurement::Off;
    add_domain("one", "/domains/0", true);
    EXPECT_EQ(build(nullptr), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Ready);
    EXPECT_EQ(hypervisor.capped, std::pair(uint64_t{0}, false));
    EXPECT_EQ(hypervisor.printed, "");
}

TEST_F(Builder, gives_the_console_domain_its_plan) {
    add_domain("one", "/domains/0", false);
    add_domain("console", "", false).roles.add(launch::Role::Console);
    add_domain("three", "/domains/2", false);
    EXPECT_EQ(build(&events), Outcome::Capped);
    const auto& console = hypervisor.domains[2];
    const auto info = console.read_object<hv::abi::HvmStartInfo>(console.ebx);
    ASSERT_EQ(info.nr_modules, 1U);
    const auto module = console.read_object<hv::abi::HvmModlistEntry>(info.modlist_paddr);
    const auto plan = console.read_object<hv::abi::ServicePlan>(module.paddr);
    EXPECT_EQ(plan.magic, hv::abi::console_plan_magic);
    ASSERT_EQ(plan.count, 2U);
    EXPECT_EQ(module.size, 8U + 2 * 8);
    const auto first = console.read_object<hv::abi::ServicePlanEntry>(module.paddr + 8);
    const auto second = console.read_object<hv::abi::ServicePlanEntry>(module.paddr + 16);
    EXPECT_EQ(first.domid, 1);
    EXPECT_EQ(first.local_port, hv::abi::console_first_port);
    EXPECT_EQ(second.domid, 3);
    EXPECT_EQ(second.local_port, hv::abi::console_first_port + 1);
    const auto other =
        hypervisor.domains[1].read_object<hv::abi::HvmStartInfo>(hypervisor.domains[1].ebx);
    EXPECT_EQ(other.nr_modules, 0U);
}

TEST_F(Builder, gives_the_xenstore_domain_its_plan_after_its_tree) {
    add_domain("one", "/domains/0", false);
    add_domain("console", "", false).roles.add(launch::Role::Console);
    add_domain("xenstore", "", true).roles.add(launch::Role::Xenstore);
    EXPECT_EQ(build(&events), Outcome::Capped);
    const auto& xenstore = hypervisor.domains[3];
    const auto info = xenstore.read_object<hv::abi::HvmStartInfo>(xenstore.ebx);
    ASSERT_EQ(info.nr_modules, 2U);
    const auto tree = xenstore.read_object<hv::abi::HvmModlistEntry>(info.modlist_paddr);
    EXPECT_EQ(tree.size, contents_[3].size());
    const auto module = xenstore.read_object<hv::abi::HvmModlistEntry>(
        info.modlist_paddr + sizeof(hv::abi::HvmModlistEntry));
    const auto plan = xenstore.read_object<hv::abi::ServicePlan>(module.paddr);
    EXPECT_EQ(plan.magic, hv::abi::xenstore_plan_magic);
    ASSERT_EQ(plan.count, 2U);  // the console service is a domain like others
    const auto second = xenstore.read_object<hv::abi::ServicePlanEntry>(module.paddr + 16);
    EXPECT_EQ(second.domid, 2);
    EXPECT_EQ(second.local_port, hv::abi::xenstore_first_port + 1);
}

TEST_F(Builder, gives_the_launcher_its_plan) {
    add_domain("one", "/domains/0", false);
    add_domain("launcher", "", true).roles.add(launch::Role::Launcher);
    EXPECT_EQ(build(&events), Outcome::Capped);
    const auto& launcher = hypervisor.domains[2];
    const auto info = launcher.read_object<hv::abi::HvmStartInfo>(launcher.ebx);
    ASSERT_EQ(info.nr_modules, 2U);
    const auto module = launcher.read_object<hv::abi::HvmModlistEntry>(
        info.modlist_paddr + sizeof(hv::abi::HvmModlistEntry));
    EXPECT_EQ(module.paddr % 8, 0U) << "its entries are read where they lie";
    EXPECT_EQ(module.size, sizeof(hv::abi::LauncherPlan) + 2 * sizeof(hv::abi::LauncherPlanEntry));
    EXPECT_EQ(launcher.read_object<hv::abi::LauncherPlan>(module.paddr).count, 2U);
}

TEST_F(Builder, gives_the_tpm_to_its_domain_only) {
    add_domain("one", "/domains/0", false);
    add_domain("two", "/domains/1", false).roles.add(launch::Role::Tpm);
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(hypervisor.domains[1].memory_map->size(), 4U);
    EXPECT_EQ(hypervisor.domains[2].memory_map->size(), 5U);  // the log
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
