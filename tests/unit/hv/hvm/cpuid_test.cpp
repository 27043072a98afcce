// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/cpuid.hpp"

#include "hv/hvm/cpuid_features.hpp"

#include <bit>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace hv::hvm {
namespace {

using namespace cpuid;

constexpr CpuidLeaf ones{~0U, ~0U, ~0U, ~0U};

// A processor that has everything, known and unknown.
CpuidLeaf everything(uint32_t leaf, uint32_t subleaf) {
    switch (leaf) {
        case 0:
            return {0x20, 0x68747541, 0x444d4163, 0x69746e65};  // AuthenticAMD
        case 1:
            return {0x00800f12, 0x03100800, ~0U, ~0U};
        case 0xd:
            if (subleaf == 0) {
                return {0xe7, 0xa88, 0xa88, 0};
            }
            return subleaf == 2 ? CpuidLeaf{256, 576, 0, 0} : ones;
        case 0x80000000:
            return {0x80000021, 0x68747541, 0x444d4163, 0x69746e65};
        case 0x80000008:
            return {0x00003028, ~0U, 0x0000703f, ~0U};
        default:
            return ones;
    }
}

// A processor that has nothing.
CpuidLeaf nothing(uint32_t leaf, uint32_t) {
    switch (leaf) {
        case 0:
            return {1, 0x68747541, 0x444d4163, 0x69746e65};
        case 0x80000000:
            return {0x80000001, 0x68747541, 0x444d4163, 0x69746e65};
        default:
            return {};
    }
}

struct Cpuid : testing::Test {
    CpuidDomain domain{.host = HostCpuid::read(everything),
                       .policy = {},
                       .id = DomainId{5},
                       .vcpu_count = 4,
                       .clock = {}};
    CpuidVcpu vcpu{.id = VcpuId{3}};

    CpuidLeaf get(uint32_t leaf, uint32_t subleaf = 0) {
        return guest_cpuid(domain, vcpu, leaf, subleaf);
    }
};

// ---- features ----

TEST_F(Cpuid, shows_no_bit_outside_the_lists) {
    const CpuidLeaf f1 = get(1);
    EXPECT_EQ(f1.ecx & (f1_ecx::MONITOR | f1_ecx::PCID | f1_ecx::TSC_DEADLINE | bit(5) | bit(15)),
              0u);
    EXPECT_EQ(f1.edx & (bit(10) | bit(18) | bit(20) | bit(21) | bit(22) | bit(27) | bit(29)), 0u);
    const CpuidLeaf f7 = get(7);
    EXPECT_EQ(f7.eax, 0u);
    EXPECT_EQ(f7.ebx & ~(f7_ebx::allowed | f7_ebx::allowed_with_xsave), 0u);
    EXPECT_EQ(f7.ecx & (f7_ecx::PKU | f7_ecx::LA57 | bit(4)), 0u);
    EXPECT_EQ(f7.edx, f7_edx::FSRM);
    const CpuidLeaf e1 = get(0x80000001);
    EXPECT_EQ(e1.ecx & (e1_ecx::SVM | e1_ecx::TopologyExtensions | bit(3) | bit(9) | bit(23)), 0u);
    EXPECT_EQ(e1.edx & (bit(10) | bit(18) | bit(19) | bit(21) | bit(28)), 0u);
    EXPECT_EQ(get(0x80000008).ebx, e8_ebx::allowed);
    EXPECT_EQ(get(0xd, 1), (CpuidLeaf{.eax = fd1_eax::allowed}));
}

TEST_F(Cpuid, shows_what_is_allowed_and_there) {
    EXPECT_EQ(get(1).ecx & f1_ecx::allowed, f1_ecx::allowed);
    EXPECT_EQ(get(1).edx & f1_edx::allowed, f1_edx::allowed);
    EXPECT_EQ(get(7).ebx, f7_ebx::allowed | f7_ebx::allowed_with_xsave);
    EXPECT_EQ(get(0x80000001).edx & e1_edx::allowed, e1_edx::allowed);
}

TEST_F(Cpuid, invents_only_what_is_emulated) {
    domain.host = HostCpuid::read(nothing);
    domain.vcpu_count = 1;
    vcpu.id = VcpuId{0};
    EXPECT_EQ(get(1).ecx, f1_ecx::HYPERVISOR | f1_ecx::X2APIC);
    EXPECT_EQ(get(1).edx, f1_edx::emulated | f1_edx::APIC);
    EXPECT_EQ(get(7), CpuidLeaf{});
    EXPECT_EQ(get(0xd), CpuidLeaf{});
    EXPECT_EQ(get(0x80000001).ecx, 0u);
    EXPECT_EQ(get(0x80000001).edx, (f1_edx::emulated | f1_edx::APIC) & e1_edx::same_as_leaf_1);
    EXPECT_EQ(get(0x80000008), CpuidLeaf{});  // beyond the host's last leaf
}

TEST_F(Cpuid, x2apic_follows_the_policy) {
    EXPECT_NE(get(1).ecx & f1_ecx::X2APIC, 0u);
    EXPECT_NE(get(0x40000004).eax & 2, 0u);
    domain.policy.x2apic = false;
    EXPECT_EQ(get(1).ecx & f1_ecx::X2APIC, 0u);
    EXPECT_EQ(get(0x40000004).eax & 2, 0u);
}

TEST_F(Cpuid, without_xsave_nothing_of_it_is_left) {
    domain.policy.xsave = false;
    vcpu.osxsave = true;
    EXPECT_EQ(get(1).ecx & (f1_ecx::allowed_with_xsave | f1_ecx::OSXSAVE), 0u);
    EXPECT_EQ(get(7).ebx & f7_ebx::AVX2, 0u);
    EXPECT_EQ(get(7).ecx & f7_ecx::VAES, 0u);
    EXPECT_EQ(get(0x80000001).ecx & (e1_ecx::XOP | e1_ecx::FMA4), 0u);
    for (uint32_t subleaf = 0; subleaf < 3; ++subleaf) {
        EXPECT_EQ(get(0xd, subleaf), CpuidLeaf{});
    }
    EXPECT_EQ(guest_xcr0_bits(domain), 0u);
}

TEST_F(Cpuid, dynamic_bits_follow_the_vcpu) {
    EXPECT_EQ(get(1).ecx & f1_ecx::OSXSAVE, 0u);
    vcpu.osxsave = true;
    EXPECT_NE(get(1).ecx & f1_ecx::OSXSAVE, 0u);
    EXPECT_NE(get(1).edx & f1_edx::APIC, 0u);
    EXPECT_NE(get(0x80000001).edx & f1_edx::APIC, 0u);
    vcpu.apic_enabled = false;
    EXPECT_EQ(get(1).edx & f1_edx::APIC, 0u);
    EXPECT_EQ(get(0x80000001).edx & f1_edx::APIC, 0u);
}

// ---- XSAVE ----

TEST_F(Cpuid, xsave_area_grows_with_xcr0) {
    EXPECT_EQ(get(0xd).eax, 7u);
    EXPECT_EQ(get(0xd).ecx, 832u);
    EXPECT_EQ(get(0xd).ebx, 576u);
    vcpu.xcr0 = 7;
    EXPECT_EQ(get(0xd).ebx, 832u);
    EXPECT_EQ(get(0xd, 2), (CpuidLeaf{.eax = 256, .ebx = 576}));
    EXPECT_EQ(get(0xd, 9), CpuidLeaf{});
    // What the processor lets in against our will does not show.
    vcpu.xcr0 = 0x207;
    EXPECT_EQ(get(0xd).ebx, 832u);
}

// ---- topology, parsed as Linux 6.1 does ----

struct Place {
    uint32_t package, core;
    friend auto operator<=>(const Place&, const Place&) = default;
};

class Topology : public testing::TestWithParam<uint32_t> {};

TEST_P(Topology, one_package_of_single_threaded_cores) {
    CpuidDomain domain{.host = HostCpuid::read(everything),
                       .policy = {},
                       .id = DomainId{1},
                       .vcpu_count = GetParam(),
                       .clock = {}};
    std::set<Place> by_leaf_b, by_leaf_80000008;
    for (uint32_t n = 0; n < GetParam(); ++n) {
        const CpuidVcpu vcpu{.id = VcpuId{n}};
        const CpuidLeaf smt = guest_cpuid(domain, vcpu, 0xb, 0);
        const CpuidLeaf core = guest_cpuid(domain, vcpu, 0xb, 1);
        const CpuidLeaf end = guest_cpuid(domain, vcpu, 0xb, 2);
        EXPECT_EQ((smt.ecx >> 8) & 0xff, 1u);
        EXPECT_EQ(smt.ebx, 1u);
        EXPECT_EQ((core.ecx >> 8) & 0xff, 2u);
        EXPECT_EQ(core.ebx, GetParam());
        EXPECT_EQ((end.ecx >> 8) & 0xff, 0u);
        EXPECT_EQ(end.ecx & 0xff, 2u);
        EXPECT_EQ(end.ebx, 0u);
        EXPECT_EQ(core.edx, 2 * n);
        const uint32_t mask = (1U << core.eax) - 1;
        by_leaf_b.insert({core.edx >> core.eax, (core.edx & mask) >> smt.eax});

        const uint32_t initial_id = guest_cpuid(domain, vcpu, 1, 0).ebx >> 24;
        EXPECT_EQ(initial_id, 2 * n);
        const uint32_t sizes = guest_cpuid(domain, vcpu, 0x80000008, 0).ecx;
        EXPECT_EQ((sizes & 0xff) + 1, GetParam());
        const uint32_t bits = (sizes >> 12) & 0xf;
        by_leaf_80000008.insert({initial_id >> bits, initial_id & ((1U << bits) - 1)});
    }
    EXPECT_EQ(by_leaf_b.size(), GetParam());
    EXPECT_EQ(by_leaf_80000008.size(), GetParam());
    EXPECT_EQ(by_leaf_b.rbegin()->package, 0u);
    EXPECT_EQ(by_leaf_b.rbegin()->core, GetParam() - 1);
    EXPECT_EQ(by_leaf_80000008.rbegin()->package, 0u);
    const CpuidLeaf f1 = guest_cpuid(domain, {}, 1, 0);
    EXPECT_EQ((f1.ebx >> 16) & 0xff, GetParam());
    EXPECT_EQ((f1.edx & f1_edx::HTT) != 0, GetParam() > 1);
    EXPECT_EQ((guest_cpuid(domain, {}, 0x80000001, 0).ecx & e1_ecx::CmpLegacy) != 0,
              GetParam() > 1);
}

INSTANTIATE_TEST_SUITE_P(VcpuCounts, Topology, testing::Values(1, 2, 3, 4, 5, 8, 31, 32));

// ---- Xen's leaves ----

TEST_F(Cpuid, xen_leaves) {
    const CpuidLeaf base = get(0x40000000);
    EXPECT_EQ(base.eax, 0x40000005u);
    char signature[13]{};
    std::memcpy(signature, &base.ebx, 4);
    std::memcpy(signature + 4, &base.ecx, 4);
    std::memcpy(signature + 8, &base.edx, 4);
    EXPECT_STREQ(signature, "XenVMMXenVMM");
    EXPECT_EQ(get(0x40000001), (CpuidLeaf{.eax = 0x00040011}));
    EXPECT_EQ(get(0x40000002), (CpuidLeaf{.eax = 1, .ebx = 0x40000000}));
    EXPECT_EQ(get(0x40000004), (CpuidLeaf{.eax = 0x1a, .ebx = 3, .ecx = 5}));
    EXPECT_EQ(get(0x40000005), CpuidLeaf{});
    EXPECT_EQ(get(0x40000100), CpuidLeaf{});
}

TEST_F(Cpuid, xen_time_leaf) {
    domain.clock = {.tsc_khz = 2'500'000,
                    .tsc_offset = 0xffffffff00000001,
                    .tsc_to_system_mul = 0xcccccccd,
                    .tsc_shift = -1};
    EXPECT_EQ(get(0x40000003, 0), (CpuidLeaf{.eax = 6, .ecx = 2'500'000}));
    EXPECT_EQ(get(0x40000003, 1),
              (CpuidLeaf{.eax = 1, .ebx = 0xffffffff, .ecx = 0xcccccccd, .edx = 0xff}));
    EXPECT_EQ(get(0x40000003, 2), (CpuidLeaf{.eax = 2'500'000}));
}

// ---- on the emulated machine ----

std::map<std::pair<uint32_t, uint32_t>, CpuidLeaf> read_dump(const std::string& name) {
    std::ifstream file{std::string{CPUID_CORPUS} + "/" + name};
    std::map<std::pair<uint32_t, uint32_t>, CpuidLeaf> leaves;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words{line};
        uint32_t leaf = 0, subleaf = 0;
        CpuidLeaf v;
        if (words >> std::hex >> leaf >> subleaf >> v.eax >> v.ebx >> v.ecx >> v.edx) {
            leaves[{leaf, subleaf}] = v;
        }
    }
    return leaves;
}

HostCpuid host_of(const std::string& name) {
    const auto leaves = read_dump(name);
    EXPECT_FALSE(leaves.empty()) << name;
    return HostCpuid::read([&](uint32_t leaf, uint32_t subleaf) {
        const auto found = leaves.find({leaf, subleaf});
        return found == leaves.end() ? CpuidLeaf{} : found->second;
    });
}

TEST_F(Cpuid, what_a_guest_sees_on_qemu_max) {
    domain.host = host_of("qemu-7.2-max");
    domain.vcpu_count = 2;
    vcpu = {.id = VcpuId{1}, .osxsave = true, .xcr0 = 7};
    EXPECT_EQ(get(0), (CpuidLeaf{0xd, 0x68747541, 0x444d4163, 0x69746e65}));
    EXPECT_EQ(get(1), (CpuidLeaf{0x00500f20, 0x02020800, 0xfef83203, 0x178bfbfd}));
    EXPECT_EQ(get(7), (CpuidLeaf{0, 0x019803a9, 0x00000204, 0}));
    EXPECT_EQ(get(0xd), (CpuidLeaf{7, 0x340, 0x340, 0}));
    EXPECT_EQ(get(0x80000001), (CpuidLeaf{0x00500f20, 0, 0x63, 0xedd3fbfd}));
    EXPECT_EQ(get(0x80000008), (CpuidLeaf{0x00003028, 0, 0x00002001, 0}));
}

TEST_F(Cpuid, families_with_an_agp_aperture_are_not_shown) {
    const auto shown = [this](uint32_t signature) {
        domain.host.features.eax = signature;
        domain.host.extended_features.eax = signature;
        EXPECT_EQ(get(1).eax, get(0x80000001).eax);
        return get(1).eax;
    };
    for (const uint32_t host : {0x00060fb1u, 0x00100f42u, 0x00600f12u}) {
        EXPECT_EQ(shown(host), 0x00500f20u);
    }
    for (const uint32_t host : {0x000006f1u, 0x00200f31u, 0x00700f01u, 0x00800f12u, 0x00a20f10u}) {
        EXPECT_EQ(shown(host), host);
    }
}

TEST_F(Cpuid, what_a_guest_sees_on_qemu_epyc) {
    domain.host = host_of("qemu-7.2-EPYC");
    domain.vcpu_count = 1;
    vcpu = {.id = VcpuId{0}};
    EXPECT_EQ(get(1).eax, 0x00800f12u);
    EXPECT_EQ(get(0x80000000).eax, 0x80000008u);
    EXPECT_EQ(get(0x80000001).ecx & e1_ecx::TopologyExtensions, 0u);
    EXPECT_EQ(get(0x80000008).ecx, 0x00001000u);
}

// ---- the rest ----

TEST_F(Cpuid, last_leaves_and_beyond) {
    EXPECT_EQ(get(0).eax, 0xdu);
    EXPECT_EQ(get(0x80000000).eax, 0x80000008u);
    EXPECT_EQ(get(0).ebx, 0x68747541u);
    for (const uint32_t leaf : {0x5u, 0xau, 0xeu, 0x14u, 0x20u, 0x3fffffffu, 0x80000007u,
                                0x8000000au, 0x8000001eu, 0x8000001fu, 0xffffffffu}) {
        EXPECT_EQ(get(leaf), CpuidLeaf{}) << std::hex << leaf;
    }
    EXPECT_EQ(get(7, 1), CpuidLeaf{});
}

TEST_F(Cpuid, address_sizes) {
    EXPECT_EQ(get(0x80000008).eax, 0x00003028u);
}

TEST_F(Cpuid, register_bits_follow_the_features) {
    EXPECT_EQ(guest_efer_bits(domain), 0x4d01u);
    domain.host = HostCpuid::read(nothing);
    EXPECT_EQ(guest_efer_bits(domain), 0u);
}

}  // namespace
}  // namespace hv::hvm
