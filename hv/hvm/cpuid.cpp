// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/cpuid.hpp"

#include "hv/hvm/cpuid_features.hpp"
#include "hv/hvm/lapic.hpp"

#include <algorithm>
#include <bit>

namespace hv::hvm {

using namespace cpuid;

namespace {

constexpr uint32_t last_basic_leaf = 0xd;
constexpr uint32_t last_extended_leaf = 0x80000008;
constexpr uint32_t xen_base = 0x40000000;

struct Xcr0 {  // [apm2] 11.5.2
    static constexpr uint64_t x87 = 1, sse = 2, avx = 4;
};

// Of one register of a leaf: the allowed bits, the second list only together with XSAVE.
uint32_t allow(const CpuidDomain& d, uint32_t host, uint32_t allowed, uint32_t with_xsave = 0) {
    const bool has_xsave = d.policy.xsave && (d.host.features.ecx & f1_ecx::XSAVE) != 0;
    return host & (has_xsave ? allowed | with_xsave : allowed);
}

// Bits of an APIC id that number the vCPUs of the one package.
unsigned package_shift(const CpuidDomain& d) {
    return static_cast<unsigned>(std::bit_width(LocalApic::id_of(VcpuId{d.vcpu_count - 1}) | 1));
}

uint32_t features_edx(const CpuidDomain& d, const CpuidVcpu& v) {
    return allow(d, d.host.features.edx, f1_edx::allowed) | f1_edx::emulated |
           (v.apic_enabled ? f1_edx::APIC : 0) | (d.vcpu_count > 1 ? f1_edx::HTT : 0);
}

// Family, model and stepping. Processors of AMD's families 0fh, 10h and 15h have a northbridge with
// an AGP aperture; Linux goes by the family alone and, before anything else, looks for it at 8192
// places of a configuration space that a PVH domain does not have: half a second of exits. To be
// consistent with that missing northbridge, such a host is shown as family 14h, which never had
// the aperture and asks for no other workaround. [apm3] CPUID Fn0000_0001 EAX.
uint32_t signature(uint32_t host) {
    const uint32_t base_family = (host >> 8) & 0xf;
    const uint32_t family = base_family + (base_family == 0xf ? (host >> 20) & 0xff : 0);
    const bool has_aperture = family == 0x0f || family == 0x10 || family == 0x15;
    constexpr uint32_t family_14h = 0x00500f20;
    return has_aperture ? family_14h : host;
}

CpuidLeaf features(const CpuidDomain& d, const CpuidVcpu& v) {
    const uint32_t ecx =
        allow(d, d.host.features.ecx, f1_ecx::allowed, f1_ecx::allowed_with_xsave) |
        f1_ecx::HYPERVISOR | (d.policy.x2apic ? f1_ecx::X2APIC : 0);
    // A PV kernel takes it for the hypervisor's, and XSAVE for missing without it.
    const bool osxsave = (v.osxsave || d.is_pv) && (ecx & f1_ecx::XSAVE) != 0;
    constexpr uint32_t clflush_size = 0x0000ff00;
    const uint32_t apic_id = LocalApic::id_of(v.id) & 0xff;
    const uint32_t count = std::min<uint32_t>(d.vcpu_count, 0xff);
    return {.eax = signature(d.host.features.eax),
            .ebx = (apic_id << 24) | (count << 16) | (d.host.features.ebx & clflush_size),
            .ecx = ecx | (osxsave ? f1_ecx::OSXSAVE : 0),
            .edx = features_edx(d, v)};
}

CpuidLeaf structured(const CpuidDomain& d) {
    const CpuidLeaf& host = d.host.structured;
    return {.eax = 0,
            .ebx = allow(d, host.ebx, f7_ebx::allowed, f7_ebx::allowed_with_xsave),
            .ecx = allow(d, host.ecx, f7_ecx::allowed, f7_ecx::allowed_with_xsave),
            .edx = allow(d, host.edx, f7_edx::allowed)};
}

// [sdm2] CPUID leaf b: one thread per core, every vCPU a core of package 0.
CpuidLeaf topology(const CpuidDomain& d, const CpuidVcpu& v, uint32_t subleaf) {
    constexpr uint32_t level_type_smt = 1, level_type_core = 2;
    const uint32_t id = LocalApic::id_of(v.id);
    switch (subleaf) {
        case 0:
            return {.eax = 1, .ebx = 1, .ecx = (level_type_smt << 8) | 0, .edx = id};
        case 1:
            return {.eax = package_shift(d),
                    .ebx = d.vcpu_count,
                    .ecx = (level_type_core << 8) | 1,
                    .edx = id};
        default:
            return {.ecx = subleaf & 0xff, .edx = id};
    }
}

// [apm3] leaf d: the legacy area, its header, and what XCR0 adds.
uint32_t xsave_size(const CpuidDomain& d, uint64_t xcr0) {
    constexpr uint32_t legacy_and_header = 576;
    return (xcr0 & Xcr0::avx) != 0 ? d.host.xsave_avx.ebx + d.host.xsave_avx.eax
                                   : legacy_and_header;
}

CpuidLeaf xsave(const CpuidDomain& d, const CpuidVcpu& v, uint32_t subleaf) {
    const uint64_t all = guest_xcr0_bits(d);
    if (all == 0) {
        return {};
    }
    switch (subleaf) {
        case 0:
            return {.eax = static_cast<uint32_t>(all),
                    .ebx = xsave_size(d, v.xcr0 & all),
                    .ecx = xsave_size(d, all),
                    .edx = 0};
        case 1:
            return {.eax = d.host.xsave_more.eax & fd1_eax::allowed};
        case 2:
            return (all & Xcr0::avx) != 0
                       ? CpuidLeaf{.eax = d.host.xsave_avx.eax, .ebx = d.host.xsave_avx.ebx}
                       : CpuidLeaf{};
        default:
            return {};
    }
}

CpuidLeaf basic(const CpuidDomain& d, const CpuidVcpu& v, uint32_t leaf, uint32_t subleaf) {
    constexpr uint32_t arat = 1U << 2;  // the APIC timer runs in every idle state
    switch (leaf) {
        case 0x0: {
            const CpuidLeaf& host = d.host.vendor;
            return {.eax = last_basic_leaf, .ebx = host.ebx, .ecx = host.ecx, .edx = host.edx};
        }
        case 0x1:
            return features(d, v);
        case 0x6:
            return {.eax = arat};
        case 0x7:
            return subleaf == 0 ? structured(d) : CpuidLeaf{};
        case 0xb:
            return topology(d, v, subleaf);
        case 0xd:
            return xsave(d, v, subleaf);
        default:
            return {};
    }
}

CpuidLeaf xen_time(const CpuidDomain& d, uint32_t subleaf) {
    constexpr uint32_t host_tsc_is_safe = 1U << 1, has_rdtscp = 1U << 2;
    const bool rdtscp = (d.host.extended_features.edx & e1_edx::RDTSCP) != 0;
    switch (subleaf) {
        case 0:
            return {.eax = host_tsc_is_safe | (rdtscp ? has_rdtscp : 0),
                    .ebx = 0,  // TSC mode: default, native here
                    .ecx = d.clock.tsc_khz,
                    .edx = 0};  // incarnation
        case 1:
            return {.eax = static_cast<uint32_t>(d.clock.tsc_offset),
                    .ebx = static_cast<uint32_t>(d.clock.tsc_offset >> 32),
                    .ecx = d.clock.tsc_to_system_mul,
                    .edx = static_cast<uint8_t>(d.clock.tsc_shift)};
        case 2:
            return {.eax = d.clock.tsc_khz};
        default:
            return {};
    }
}

CpuidLeaf xen(const CpuidDomain& d, const CpuidVcpu& v, uint32_t leaf, uint32_t subleaf) {
    constexpr uint32_t version = (4U << 16) | 17;
    constexpr uint32_t hypercall_page_msr = 0x40000000;
    constexpr uint32_t x2apic_virt = 1U << 1, mmu_pt_update_preserve_ad = 1U << 0,
                       vcpu_id_present = 1U << 3, domid_present = 1U << 4;
    switch (leaf - xen_base) {
        case 0:  // "XenVMMXenVMM"; leaf 5 is there and, as for every HVM domain, empty
            return {.eax = xen_base + 5, .ebx = 0x566e6558, .ecx = 0x65584d4d, .edx = 0x4d4d566e};
        case 1:
            return {.eax = version};
        case 2:
            return {.eax = 1,
                    .ebx = hypercall_page_msr,
                    .ecx = d.is_pv ? mmu_pt_update_preserve_ad : 0};
        case 3:
            return xen_time(d, subleaf);
        case 4:
            return subleaf != 0 || d.is_pv ? CpuidLeaf{}
                                           : CpuidLeaf{.eax = (d.policy.x2apic ? x2apic_virt : 0) |
                                                              vcpu_id_present | domid_present,
                                                       .ebx = v.id.value(),
                                                       .ecx = d.id.value()};
        case 5:
            return d.is_pv && subleaf == 0 ? CpuidLeaf{.ebx = guest_physical_bits(d)} : CpuidLeaf{};
        default:
            return {};
    }
}

CpuidLeaf extended(const CpuidDomain& d, const CpuidVcpu& v, uint32_t leaf) {
    const HostCpuid& host = d.host;
    switch (leaf) {
        case 0x80000000:
            return {.eax = std::min(host.extended.eax, last_extended_leaf),
                    .ebx = host.vendor.ebx,
                    .ecx = host.vendor.ecx,
                    .edx = host.vendor.edx};
        case 0x80000001:
            return {.eax = signature(host.extended_features.eax),
                    .ebx = 0,
                    .ecx = allow(d, host.extended_features.ecx, e1_ecx::allowed,
                                 e1_ecx::allowed_with_xsave) |
                           (d.vcpu_count > 1 ? e1_ecx::CmpLegacy : 0),
                    .edx = allow(d, host.extended_features.edx, e1_edx::allowed) |
                           (features_edx(d, v) & e1_edx::same_as_leaf_1)};
        case 0x80000002:
        case 0x80000003:
        case 0x80000004:
            return host.brand[leaf - 0x80000002];
        case 0x80000005:
            return host.l1;
        case 0x80000006:
            return host.l2;
        case 0x80000008: {
            constexpr uint32_t linear_bits = 48;
            return {.eax = (linear_bits << 8) | guest_physical_bits(d),
                    .ebx = allow(d, host.sizes.ebx, e8_ebx::allowed),
                    .ecx = (package_shift(d) << 12) | ((d.vcpu_count - 1) & 0xff),
                    .edx = 0};
        }
        default:
            return {};
    }
}

CpuidLeaf of_any_domain(const CpuidDomain& domain, const CpuidVcpu& vcpu, uint32_t leaf,
                        uint32_t subleaf) {
    if (leaf <= last_basic_leaf) {
        return basic(domain, vcpu, leaf, subleaf);
    }
    if (leaf >= xen_base && leaf < xen_base + 0x100) {
        return xen(domain, vcpu, leaf, subleaf);
    }
    if (leaf >= 0x80000000 && leaf <= std::min(domain.host.extended.eax, last_extended_leaf)) {
        return extended(domain, vcpu, leaf);
    }
    return {};  // as AMD's processors answer
}

// A PV kernel has no page sizes to choose from, no global pages, no local APIC mode and no control
// register of its own.
void hide_from_pv(CpuidLeaf& answer, uint32_t leaf, uint32_t subleaf) {
    constexpr uint32_t paging =
        f1_edx::VME | f1_edx::PSE | f1_edx::MTRR | f1_edx::PGE | f1_edx::PSE36;
    if (leaf == 1) {
        answer.edx &= ~paging;
        answer.ecx &= ~f1_ecx::X2APIC;
    } else if (leaf == 7 && subleaf == 0) {
        answer.ebx &= ~(f7_ebx::SMEP | f7_ebx::SMAP);
        answer.ecx &= ~f7_ecx::UMIP;
    } else if (leaf == 0x80000001) {
        answer.edx &= ~(paging | e1_edx::Page1GB);
    }
}

}  // namespace

CpuidLeaf guest_cpuid(const CpuidDomain& domain, const CpuidVcpu& vcpu, uint32_t leaf,
                      uint32_t subleaf) {
    CpuidLeaf answer = of_any_domain(domain, vcpu, leaf, subleaf);
    if (domain.is_pv) {
        hide_from_pv(answer, leaf, subleaf);
    }
    return answer;
}

uint64_t guest_efer_bits(const CpuidDomain& domain) {
    constexpr uint64_t sce = 1U << 0, lme = 1U << 8, lma = 1U << 10, nxe = 1U << 11,
                       ffxsr = 1U << 14;
    const uint32_t features = domain.host.extended_features.edx & e1_edx::allowed;
    return ((features & e1_edx::SYSCALL) != 0 ? sce : 0) |
           ((features & e1_edx::LM) != 0 ? lme | lma : 0) |
           ((features & e1_edx::NX) != 0 ? nxe : 0) | ((features & e1_edx::FFXSR) != 0 ? ffxsr : 0);
}

uint64_t guest_xcr0_bits(const CpuidDomain& domain) {
    if (!domain.policy.xsave || (domain.host.features.ecx & f1_ecx::XSAVE) == 0) {
        return 0;
    }
    return domain.host.xsave.eax & (Xcr0::x87 | Xcr0::sse | Xcr0::avx);
}

unsigned guest_physical_bits(const CpuidDomain& domain) {
    const uint32_t bits = domain.host.sizes.eax & 0xff;
    return bits == 0 ? 36 : bits;
}

}  // namespace hv::hvm
