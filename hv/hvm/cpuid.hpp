// SPDX-License-Identifier: Apache-2.0
// What a guest's CPUID returns: the host's features through an allow-list, our own topology, and
// Xen's leaves at 0x40000000 ([xen-pub] arch-x86/cpuid.h). Pure: the host is a snapshot taken at
// boot, everything about the vCPU is an argument.
#pragma once

#include "hv/base/address.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <array>
#include <concepts>
#include <cstdint>

namespace hv::hvm {

struct CpuidLeaf {
    uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
    friend bool operator==(const CpuidLeaf&, const CpuidLeaf&) = default;
};

template <class F>
concept CpuidSource = requires(F f, uint32_t n) {
    { f(n, n) } -> std::same_as<CpuidLeaf>;  // leaf, subleaf
};

// The host's leaves that guests' leaves are made of.
struct HostCpuid {
    CpuidLeaf vendor;                // 0
    CpuidLeaf features;              // 1
    CpuidLeaf structured;            // 7.0
    CpuidLeaf xsave;                 // d.0
    CpuidLeaf xsave_more;            // d.1
    CpuidLeaf xsave_avx;             // d.2
    CpuidLeaf extended;              // 80000000
    CpuidLeaf extended_features;     // 80000001
    std::array<CpuidLeaf, 3> brand;  // 80000002 to 80000004
    CpuidLeaf l1;                    // 80000005
    CpuidLeaf l2;                    // 80000006
    CpuidLeaf sizes;                 // 80000008

    template <CpuidSource Source>
    static HostCpuid read(Source cpuid);
};

// Xen's time leaf; the same conversion the guest finds in vcpu_time_info.
struct GuestClock {
    uint32_t tsc_khz = 0;
    uint64_t tsc_offset = 0;  // guest TSC - host TSC
    uint32_t tsc_to_system_mul = 0;
    int8_t tsc_shift = 0;
};

// Fixed for the life of a domain.
struct CpuidDomain {
    HostCpuid host;
    launch::CpuidPolicy policy;
    bool is_pv = false;  // page tables and interrupts are Xen's business, not the processor's
    DomainId id{};
    uint32_t vcpu_count = 1;
    GuestClock clock;
};

// What changes with the vCPU.
struct CpuidVcpu {
    VcpuId id{};
    bool apic_enabled = true;  // by APIC_BASE
    bool osxsave = false;      // CR4.OSXSAVE
    uint64_t xcr0 = 1;
};

CpuidLeaf guest_cpuid(const CpuidDomain& domain, const CpuidVcpu& vcpu, uint32_t leaf,
                      uint32_t subleaf);

// Bits of EFER the domain's features give it, LMA included.
uint64_t guest_efer_bits(const CpuidDomain& domain);
// Bits of XCR0 likewise; 0 without XSAVE.
uint64_t guest_xcr0_bits(const CpuidDomain& domain);
// Width of a guest physical address.
unsigned guest_physical_bits(const CpuidDomain& domain);

template <CpuidSource Source>
HostCpuid HostCpuid::read(Source cpuid) {
    HostCpuid host;
    host.vendor = cpuid(0, 0);
    host.extended = cpuid(0x80000000, 0);
    const auto leaf = [&](uint32_t n, uint32_t sub = 0) {
        const uint32_t last = n < 0x80000000 ? host.vendor.eax : host.extended.eax;
        return n <= last ? cpuid(n, sub) : CpuidLeaf{};
    };
    host.features = leaf(1);
    host.structured = leaf(7);
    host.xsave = leaf(0xd, 0);
    host.xsave_more = leaf(0xd, 1);
    host.xsave_avx = leaf(0xd, 2);
    host.extended_features = leaf(0x80000001);
    host.brand = {leaf(0x80000002), leaf(0x80000003), leaf(0x80000004)};
    host.l1 = leaf(0x80000005);
    host.l2 = leaf(0x80000006);
    host.sizes = leaf(0x80000008);
    return host;
}

}  // namespace hv::hvm
