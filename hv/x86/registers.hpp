// SPDX-License-Identifier: Apache-2.0
// Control registers and model-specific registers, named and numbered as [apm2] does.
#pragma once

#include "hv/base/fields.hpp"

#include <cstdint>

namespace hv::x86 {

enum class Msr : uint32_t {
    APIC_BASE = 0x1b,
    PAT = 0x277,
    EFER = 0xc0000080,
    FS_BASE = 0xc0000100,
    GS_BASE = 0xc0000101,
    KERNEL_GS_BASE = 0xc0000102,
    TSC_AUX = 0xc0000103,
    VM_CR = 0xc0010114,
    VM_HSAVE_PA = 0xc0010117,
};

struct Cr0 {  // [apm2] 3.1.1
    using Raw = uint64_t;
    static constexpr Bit<Cr0, 0> PE{};
    static constexpr Bit<Cr0, 1> MP{};
    static constexpr Bit<Cr0, 2> EM{};
    static constexpr Bit<Cr0, 3> TS{};
    static constexpr Bit<Cr0, 4> ET{};
    static constexpr Bit<Cr0, 5> NE{};
    static constexpr Bit<Cr0, 16> WP{};
    static constexpr Bit<Cr0, 29> NW{};
    static constexpr Bit<Cr0, 30> CD{};
    static constexpr Bit<Cr0, 31> PG{};
};

struct Cr4 {  // [apm2] 3.1.3
    using Raw = uint64_t;
    static constexpr Bit<Cr4, 3> DE{};
    static constexpr Bit<Cr4, 4> PSE{};
    static constexpr Bit<Cr4, 5> PAE{};
    static constexpr Bit<Cr4, 7> PGE{};
    static constexpr Bit<Cr4, 9> OSFXSR{};
    static constexpr Bit<Cr4, 10> OSXMMEXCPT{};
    static constexpr Bit<Cr4, 12> LA57{};
    static constexpr Bit<Cr4, 18> OSXSAVE{};
    static constexpr Bit<Cr4, 20> SMEP{};
};

struct Efer {  // [apm2] 3.1.7
    using Raw = uint64_t;
    static constexpr Bit<Efer, 0> SCE{};
    static constexpr Bit<Efer, 8> LME{};
    static constexpr Bit<Efer, 10> LMA{};
    static constexpr Bit<Efer, 11> NXE{};
    static constexpr Bit<Efer, 12> SVME{};
};

struct VmCr {  // [apm2] 15.30.1
    using Raw = uint64_t;
    static constexpr Bit<VmCr, 4> SVMDIS{};
};

}  // namespace hv::x86
