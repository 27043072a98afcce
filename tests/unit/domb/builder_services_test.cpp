// SPDX-License-Identifier: Apache-2.0
// What the builder gives to the holders of roles.
#include "hv/abi/launcher_plan.hpp"
#include "hv/abi/service_plan.hpp"
#include "hv/abi/xen_start_info.hpp"
#include "tests/unit/domb/builder_fixture.hpp"

namespace builder {
namespace {

class BuilderServices : public BuilderFixture {};

TEST_F(BuilderServices, gives_the_console_domain_its_plan) {
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

TEST_F(BuilderServices, gives_the_xenstore_domain_its_plan_after_its_tree) {
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

TEST_F(BuilderServices, gives_the_launcher_its_plan) {
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

TEST_F(BuilderServices, gives_the_tpm_to_its_domain_only) {
    add_domain("one", "/domains/0", false);
    add_domain("two", "/domains/1", false).roles.add(launch::Role::Tpm);
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(hypervisor.domains[1].memory_map->size(), 4U);
    EXPECT_EQ(hypervisor.domains[2].memory_map->size(), 5U);  // the log
}

}  // namespace
}  // namespace builder
