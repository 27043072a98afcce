// SPDX-License-Identifier: Apache-2.0
// CPUID feature bits by their names in [apm3] appendix E and [sdm2] CPUID, and which of them a
// guest may see when the host has them. A bit that is in no list is hidden: that is the policy.
#pragma once

#include <cstdint>

namespace hv::hvm::cpuid {

constexpr uint32_t bit(unsigned n) {
    return uint32_t{1} << n;
}

namespace f1_ecx {
inline constexpr uint32_t SSE3 = bit(0), PCLMULQDQ = bit(1), MONITOR = bit(3), SSSE3 = bit(9),
                          FMA = bit(12), CMPXCHG16B = bit(13), PCID = bit(17), SSE41 = bit(19),
                          SSE42 = bit(20), X2APIC = bit(21), MOVBE = bit(22), POPCNT = bit(23),
                          TSC_DEADLINE = bit(24), AES = bit(25), XSAVE = bit(26), OSXSAVE = bit(27),
                          AVX = bit(28), F16C = bit(29), RDRAND = bit(30), HYPERVISOR = bit(31);
// MONITOR would need intercepts; PCID and the TSC deadline are absent from the emulated machine.
inline constexpr uint32_t allowed =
    SSE3 | PCLMULQDQ | SSSE3 | CMPXCHG16B | SSE41 | SSE42 | MOVBE | POPCNT | AES | RDRAND;
inline constexpr uint32_t allowed_with_xsave = XSAVE | AVX | FMA | F16C;
}  // namespace f1_ecx

namespace f1_edx {
inline constexpr uint32_t FPU = bit(0), VME = bit(1), DE = bit(2), PSE = bit(3), TSC = bit(4),
                          MSR = bit(5), PAE = bit(6), MCE = bit(7), CMPXCHG8B = bit(8),
                          APIC = bit(9), SEP = bit(11), MTRR = bit(12), PGE = bit(13),
                          MCA = bit(14), CMOV = bit(15), PAT = bit(16), PSE36 = bit(17),
                          CLFSH = bit(19), MMX = bit(23), FXSR = bit(24), SSE = bit(25),
                          SSE2 = bit(26), HTT = bit(28);
inline constexpr uint32_t allowed = FPU | VME | DE | PSE | TSC | MSR | PAE | CMPXCHG8B | SEP | PGE |
                                    CMOV | PAT | PSE36 | CLFSH | MMX | FXSR | SSE | SSE2;
// Emulated whatever the host has: MTRRs that default to write-back, no machine check banks. Linux
// 6.1 gives up PAT without the former and complains without the latter.
inline constexpr uint32_t emulated = MTRR | MCE | MCA;
}  // namespace f1_edx

namespace f7_ebx {
inline constexpr uint32_t FSGSBASE = bit(0), BMI1 = bit(3), AVX2 = bit(5), SMEP = bit(7),
                          BMI2 = bit(8), ERMS = bit(9), RDSEED = bit(18), ADX = bit(19),
                          SMAP = bit(20), CLFLUSHOPT = bit(23), CLWB = bit(24), SHA = bit(29);
// Not TSC_ADJUST (no such MSR) and not INVPCID (no PCID).
inline constexpr uint32_t allowed =
    FSGSBASE | BMI1 | SMEP | BMI2 | ERMS | RDSEED | ADX | SMAP | CLFLUSHOPT | CLWB | SHA;
inline constexpr uint32_t allowed_with_xsave = AVX2;
}  // namespace f7_ebx

namespace f7_ecx {
inline constexpr uint32_t UMIP = bit(2), PKU = bit(3), VAES = bit(9), VPCLMULQDQ = bit(10),
                          LA57 = bit(16), RDPID = bit(22);
// Not PKU: its state would have to be switched. Not LA57: nested tables have four levels.
inline constexpr uint32_t allowed = UMIP | RDPID;
inline constexpr uint32_t allowed_with_xsave = VAES | VPCLMULQDQ;
}  // namespace f7_ecx

namespace f7_edx {
inline constexpr uint32_t FSRM = bit(4);
inline constexpr uint32_t allowed = FSRM;
}  // namespace f7_edx

namespace fd1_eax {
inline constexpr uint32_t XSAVEOPT = bit(0), XGETBV1 = bit(2);
inline constexpr uint32_t allowed = XSAVEOPT | XGETBV1;
}  // namespace fd1_eax

namespace e1_ecx {
inline constexpr uint32_t LahfSahf = bit(0), CmpLegacy = bit(1), SVM = bit(2), ABM = bit(5),
                          SSE4A = bit(6), MisAlignSse = bit(7), ThreeDNowPrefetch = bit(8),
                          XOP = bit(11), FMA4 = bit(16), TBM = bit(21),
                          TopologyExtensions = bit(22);
// Not TopologyExtensions: the leaves below 80000009 and leaf b say all there is.
inline constexpr uint32_t allowed = LahfSahf | ABM | SSE4A | MisAlignSse | ThreeDNowPrefetch | TBM;
inline constexpr uint32_t allowed_with_xsave = XOP | FMA4;
}  // namespace e1_ecx

namespace e1_edx {
inline constexpr uint32_t SYSCALL = bit(11), NX = bit(20), MmxExt = bit(22), FFXSR = bit(25),
                          Page1GB = bit(26), RDTSCP = bit(27), LM = bit(29), ThreeDNowExt = bit(30),
                          ThreeDNow = bit(31);
inline constexpr uint32_t allowed =
    SYSCALL | NX | MmxExt | FFXSR | Page1GB | RDTSCP | LM | ThreeDNowExt | ThreeDNow;
// Bits that repeat those of leaf 1.
inline constexpr uint32_t same_as_leaf_1 = 0x0183f3ff;
}  // namespace e1_edx

namespace e8_ebx {
inline constexpr uint32_t CLZERO = bit(0), XSAVEERPTR = bit(2);
inline constexpr uint32_t allowed = CLZERO | XSAVEERPTR;
}  // namespace e8_ebx

}  // namespace hv::hvm::cpuid
