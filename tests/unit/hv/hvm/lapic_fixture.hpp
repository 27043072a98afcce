// SPDX-License-Identifier: Apache-2.0
// XApic, X2Apic: a virtual APIC in one of its modes, as a vCPU reaches it, for tests.
#pragma once

#include "hv/hvm/lapic.hpp"

#include <gtest/gtest.h>

namespace hv::hvm::test {

constexpr uint64_t base = 0xfee00000;
constexpr uint64_t bsc = 0x100;
constexpr uint64_t enabled = 0x800;
constexpr uint64_t extended = 0x400;

// Offsets in the page.
enum : uint32_t {
    Id = 0x20,
    Version = 0x30,
    Tpr = 0x80,
    Ppr = 0xa0,
    EoiOffset = 0xb0,
    Ldr = 0xd0,
    Dfr = 0xe0,
    Svr = 0xf0,
    Isr2 = 0x120,
    Irr2 = 0x220,
    Esr = 0x280,
    IcrLow = 0x300,
    IcrHigh = 0x310,
    LvtTimer = 0x320,
    LvtLint0 = 0x350,
    LvtError = 0x370,
    InitialCount = 0x380,
    CurrentCount = 0x390,
    Divide = 0x3e0,
    SelfIpi = 0x3f0,
};

struct XApic : testing::Test {
    LocalApic apic{VcpuId{1}, true};
    uint64_t now = 0;

    XApic() { write(Svr, 0x1ff); }
    uint32_t read(uint32_t offset) { return apic.mmio_read(offset, now); }
    LapicEffect write(uint32_t offset, uint32_t value) {
        return apic.mmio_write(offset, value, now);
    }
    uint32_t errors() {
        write(Esr, 0);
        return read(Esr);
    }
};

struct X2Apic : XApic {
    X2Apic() { EXPECT_TRUE(apic.set_apic_base(base | enabled | extended).ok()); }
    bool faults_on_read(uint32_t msr) { return !apic.msr_read(msr, now).ok(); }
    bool faults_on_write(uint32_t msr, uint64_t value) {
        return !apic.msr_write(msr, value, now).ok();
    }
    uint64_t rdmsr(uint32_t msr) { return apic.msr_read(msr, now).take(); }
};

}  // namespace hv::hvm::test
