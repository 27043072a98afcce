// SPDX-License-Identifier: Apache-2.0
// Every way in which an LCM can be a tree and yet no launch, and how decode refuses it.
#include "launch-config/binding/decode.hpp"
#include "tests/unit/launch-config/lcm_edits.hpp"

namespace launch {
namespace {

using test::Bytes;
using test::first;
using test::kernel;
using test::node;
using test::refusal_after;
using test::second;

// One way to be wrong, and how it must be refused.
struct Fault {
    const char* name;
    std::function<void(void*)> edit;
    std::string expected;
};

std::function<void(void*)> set_u32(const char* path, const char* property, uint32_t value) {
    return [=](void* t) { ASSERT_EQ(0, fdt_setprop_u32(t, node(t, path), property, value)); };
}
std::function<void(void*)> set_u64(const char* path, const char* property, uint64_t value) {
    return [=](void* t) { ASSERT_EQ(0, fdt_setprop_u64(t, node(t, path), property, value)); };
}
std::function<void(void*)> set_text(const char* path, const char* property, std::string value) {
    return [=](void* t) {
        ASSERT_EQ(0, fdt_setprop(t, node(t, path), property, value.c_str(),
                                 static_cast<int>(value.size() + 1)));
    };
}
std::function<void(void*)> remove_property(const char* path, const char* property) {
    return [=](void* t) { ASSERT_EQ(0, fdt_delprop(t, node(t, path), property)); };
}
std::function<void(void*)> remove_node(const char* path) {
    return [=](void* t) { ASSERT_EQ(0, fdt_del_node(t, node(t, path))); };
}

const std::string at_first = std::string{first} + " ";
const std::string at_second = std::string{second} + " ";
const std::string at_kernel = std::string{kernel} + " ";
constexpr const char* hypervisor = "/chosen/hypervisor";
constexpr const char* config = "/chosen/hypervisor/config";
constexpr const char* builder = "/chosen/hypervisor/config/builder";

void add_second_builder(void* tree) {
    const int added = fdt_add_subnode(tree, node(tree, config), "spare");
    ASSERT_GE(added, 0);
    int length = 0;
    const void* compatible = fdt_getprop(tree, node(tree, builder), "compatible", &length);
    const Bytes copy{static_cast<const std::byte*>(compatible),
                     static_cast<const std::byte*>(compatible) + length};
    const char* spare = "/chosen/hypervisor/config/spare";
    ASSERT_EQ(0, fdt_setprop(tree, node(tree, spare), "compatible", copy.data(), length));
    set_u32(spare, "module-index", 1)(tree);
}

Bytes uuid_of(void* tree, const char* path) {
    int length = 0;
    const void* uuid = fdt_getprop(tree, node(tree, path), "domain-uuid", &length);
    EXPECT_EQ(16, length);
    return {static_cast<const std::byte*>(uuid), static_cast<const std::byte*>(uuid) + length};
}

// clang-format off
const Fault faults[] = {
    {"no_chosen", remove_node("/chosen"), "/chosen : the tree describes no launch"},
    {"no_hypervisor", remove_node(hypervisor), "/chosen/hypervisor : the tree describes no launch"},
    {"hypervisor_not_compatible", set_text(hypervisor, "compatible", "kvm"), "/chosen/hypervisor : the tree describes no launch"},
    {"no_builder", remove_node(builder), "/chosen/hypervisor hl,builder: is missing"},
    {"second_builder", add_second_builder, "/chosen/hypervisor/config/builder : is there twice"},
    {"builder_elsewhere", set_u32(builder, "module-index", 5), "/chosen/hypervisor/config/builder module-index: is out of range"},
    {"kernel_is_builder", set_u32(kernel, "module-index", 1), at_first + "module-index: contradicts another value"},
    {"measurement_word", set_text(hypervisor, "hl,measurement", "maybe"), "/chosen/hypervisor hl,measurement: has not the form that the binding gives it"},
    {"pcrs_short", set_u64(hypervisor, "hl,pcrs", 0), "/chosen/hypervisor hl,pcrs: has not the form that the binding gives it"},
    {"no_kernel", remove_node(kernel), at_first + "kernel: is missing"},
    {"kernel_index_lcm", set_u32(kernel, "module-index", 0), at_kernel + "module-index: is out of range"},
    {"kernel_index_high", set_u32(kernel, "module-index", max_modules), at_kernel + "module-index: is out of range"},
    {"kernel_index_wide", set_u64(kernel, "module-index", 2), at_kernel + "module-index: has not the form that the binding gives it"},
    {"kernel_index_missing", remove_property(kernel, "module-index"), at_kernel + "module-index: is missing"},
    {"kernel_name_space", set_text(kernel, "hl,name", "a b"), at_kernel + "hl,name: has not the form that the binding gives it"},
    {"digest_short", set_text(kernel, "hl,digest", "sha256:00"), at_kernel + "hl,digest: has not the form that the binding gives it"},
    {"digest_not_hex", set_text(kernel, "hl,digest", "sha256:" + std::string(64, 'G')), at_kernel + "hl,digest: has not the form that the binding gives it"},
    {"digest_long", set_text(kernel, "hl,digest", "sha256:" + std::string(66, '0')), at_kernel + "hl,digest: has not the form that the binding gives it"},
    {"digest_of_another_kind", set_text(kernel, "hl,digest", "sha512:" + std::string(64, '0')), at_kernel + "hl,digest: has not the form that the binding gives it"},
    {"cmdline_long", set_text(kernel, "bootargs", std::string(max_cmdline_bytes + 1, 'x')), at_kernel + "bootargs: is out of range"},
    {"second_kernel", set_text("/chosen/hypervisor/domain-1/ramdisk", "compatible", "module,kernel"), "/chosen/hypervisor/domain-1/ramdisk : is there twice"},
    {"module_of_unknown_kind", set_text("/chosen/hypervisor/domain-1/ramdisk", "compatible", "multiboot,module"), "/chosen/hypervisor/domain-1/ramdisk compatible: is not implemented yet"},
    {"name_taken", set_text(second, "hl,name", "web"), at_second + "hl,name: is there twice"},
    {"domid_taken", set_u32(second, "domid", 1), at_second + "domid: is there twice"},
    {"domid_zero", set_u32(first, "domid", 0), at_first + "domid: is out of range"},
    {"domid_high", set_u32(first, "domid", max_domid + 1), at_first + "domid: is out of range"},
    {"domid_of_the_builders_console", set_u32(first, "domid", 0x7fe0 & 0xff), at_first + "domid: is out of range"},
    {"uuid_taken", [](void* t) { const auto uuid = uuid_of(t, first); fdt_setprop(t, node(t, second), "domain-uuid", uuid.data(), 16); }, at_second + "domain-uuid: is there twice"},
    {"uuid_missing", remove_property(first, "domain-uuid"), at_first + "domain-uuid: is missing"},
    {"uuid_short", set_u64(first, "domain-uuid", 1), at_first + "domain-uuid: has not the form that the binding gives it"},
    {"mode_pv", set_u32(first, "mode", 1), at_first + "mode: is not implemented yet"},
    {"mode_pv_roles", set_u32(first, "mode", 5), at_first + "hl,roles: is not implemented yet"},
    {"p2m_of_pvh", set_text(first, "hl,pv-p2m", "permuted"), at_first + "hl,pv-p2m: contradicts another value"},
    {"p2m_unknown", set_text(first, "hl,pv-p2m", "sorted"), at_first + "hl,pv-p2m: has not the form that the binding gives it"},
    {"mode_hvm", set_u32(first, "mode", 2), at_first + "mode: is not implemented yet"},
    {"mode_pv_hvm", set_u32(first, "mode", 3), at_first + "mode: contradicts another value"},
    {"mode_unknown", set_u32(first, "mode", 8), at_first + "mode: is out of range"},
    {"cpus_missing", remove_property(first, "cpus"), at_first + "cpus: is missing"},
    {"cpus_zero", set_u32(first, "cpus", 0), at_first + "cpus: is out of range"},
    {"cpus_many", set_u32(first, "cpus", max_vcpus_per_domain + 1), at_first + "cpus: is out of range"},
    {"memory_missing", remove_property(first, "memory"), at_first + "memory: is missing"},
    {"memory_zero", set_u64(first, "memory", 0), at_first + "memory: is out of range"},
    {"memory_not_pages", set_u64(first, "memory", 1025), at_first + "memory: is out of range"},
    {"memory_wraps", set_u64(first, "memory", uint64_t{1} << 60), at_first + "memory: is out of range"},
    {"memory_word", set_text(first, "memory", "lots of memory"), at_first + "memory: has not the form that the binding gives it"},
    {"max_memory_zero", set_u64(first, "mem-max", 0), at_first + "mem-max: is out of range"},
    {"max_memory_not_pages", set_u64(first, "mem-max", (512 << 10) + 1), at_first + "mem-max: is out of range"},
    {"max_memory_wraps", set_u64(first, "mem-max", uint64_t{1} << 60), at_first + "mem-max: is out of range"},
    {"max_memory_word", set_text(first, "mem-max", "lots"), at_first + "mem-max: has not the form that the binding gives it"},
    {"max_memory_less", set_u64(first, "mem-max", (256 << 10) - 4), at_first + "mem-max: contradicts another value"},
    {"min_memory", set_u64(first, "mem-min", 4096), at_first + "mem-min: is not implemented yet"},
    {"role_unknown", set_text(first, "hl,roles", "king"), at_first + "hl,roles: has not the form that the binding gives it"},
    {"role_not_implemented", set_text(first, "hl,roles", "control"), at_first + "hl,roles: is not implemented yet"},
    {"role_twice", set_text(first, "hl,roles", std::string{"tpm\0tpm", 7}), at_first + "hl,roles: is there twice"},
    {"role_taken", set_text(second, "hl,roles", "tpm"), at_second + "hl,roles: is there twice"},
    {"capabilities", set_u32(first, "capabilities", 1), at_first + "capabilities: is not implemented yet"},
    {"flag_two", set_u32(first, "hl,cpuid-xsave", 2), at_first + "hl,cpuid-xsave: is out of range"},
    {"expect_word", set_text(first, "hl,expect", "soon"), at_first + "hl,expect: has not the form that the binding gives it"},
    {"not_implemented_property", set_text(first, "passthrough", "enabled"), at_first + "passthrough: is not implemented yet"},
    {"second_config", set_text(second, "compatible", "xen,config"), "/chosen/hypervisor/domain-2 : is there twice"},
    {"no_domains", [](void* t) { remove_node(second)(t); remove_node(first)(t); }, "/chosen/hypervisor xen,domain: is missing"},
    {"config_module", set_text(builder, "compatible", "multiboot,module"), "/chosen/hypervisor/config/builder compatible: is not implemented yet"},
};
// clang-format on

class DecodeFault : public testing::TestWithParam<Fault> {};

TEST_P(DecodeFault, is_refused) {
    EXPECT_EQ(GetParam().expected, refusal_after(GetParam().edit));
}

INSTANTIATE_TEST_SUITE_P(Each, DecodeFault, testing::ValuesIn(faults),
                         [](const auto& fault) { return fault.param.name; });

TEST(Decode, refuses_pcrs_that_cannot_serve) {
    const std::array<std::array<uint32_t, 3>, 6> plans{
        {{12, 12, 21}, {16, 13, 21}, {12, 16, 21}, {12, 23, 21}, {12, 13, 16}, {12, 13, 23}}};
    for (const auto& plan : plans) {
        LaunchGraph graph = test::sample_graph();
        graph.pcrs = {hv::PcrIndex{plan[0]}, hv::PcrIndex{plan[1]}, hv::PcrIndex{plan[2]}};
        EXPECT_NE("accepted", refusal(encode(graph))) << plan[0] << ' ' << plan[1];
    }
}

TEST(Decode, refuses_a_domain_too_many) {
    std::vector<std::string> names(max_domains + 1);
    LaunchGraph graph = test::sample_graph();
    graph.domains.clear();
    for (size_t i = 0; i < max_domains; ++i) {
        Domain domain = test::sample_domain(static_cast<uint16_t>(i + 1));
        domain.name = names[i] = "d" + std::to_string(i);
        ASSERT_TRUE(graph.domains.push(domain).ok());
    }
    Bytes lcm = encode(graph);
    EXPECT_EQ("accepted", refusal(lcm));
    Bytes room(lcm.size() + 4096);
    ASSERT_EQ(0, fdt_open_into(lcm.data(), room.data(), static_cast<int>(room.size())));
    const int added = fdt_add_subnode(room.data(), node(room.data(), hypervisor), "more");
    ASSERT_GE(added, 0);
    ASSERT_EQ(0, fdt_setprop_string(room.data(), added, "compatible", "xen,domain"));
    ASSERT_EQ(0, fdt_setprop_u32(room.data(), added, "cpus", 1));
    ASSERT_EQ(0, fdt_setprop_u32(room.data(), added, "memory", 4096));
    const auto uuid = test::sample_uuid(0xee);
    ASSERT_EQ(0, fdt_setprop(room.data(), added, "domain-uuid", uuid.data(), 16));
    const int module = fdt_add_subnode(room.data(), added, "kernel");
    ASSERT_GE(module, 0);
    ASSERT_EQ(0, fdt_setprop_string(room.data(), module, "compatible", "module,kernel"));
    ASSERT_EQ(0, fdt_setprop_u32(room.data(), module, "module-index", 2));
    EXPECT_EQ("/chosen/hypervisor/domain-32 : is one more than this version supports",
              refusal(room));
}

}  // namespace
}  // namespace launch
