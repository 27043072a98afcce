// SPDX-License-Identifier: Apache-2.0
// What is missing on a CPU that is nearly good enough.
#include "hv/svm/support.hpp"

#include <gtest/gtest.h>

namespace {

using hv::svm::SvmMissing;
using hv::x86::CpuidResult;

struct Cpu {
    uint32_t last_extended_leaf = 0x8000000a;
    uint32_t leaf1_ecx = 1U << 26;     // XSAVE
    uint32_t extended_ecx = 1U << 2;   // SVM
    uint32_t extended_edx = 1U << 20;  // NX
    uint32_t svm_edx = 1;              // nested paging
    uint64_t vm_cr = 0;
    unsigned vm_cr_reads = 0;
};
Cpu cpu;

CpuidResult cpuid(uint32_t leaf) {
    switch (leaf) {
        case 1:
            return {0, 0, cpu.leaf1_ecx, 0};
        case 0x80000000:
            return {cpu.last_extended_leaf, 0, 0, 0};
        case 0x80000001:
            return {0, 0, cpu.extended_ecx, cpu.extended_edx};
        case 0x8000000a:
            return {0, 0, 0, cpu.svm_edx};
        default:
            return {};
    }
}
uint64_t read_vm_cr() {
    ++cpu.vm_cr_reads;
    return cpu.vm_cr;
}

class Support : public testing::Test {
  protected:
    Support() { cpu = Cpu{}; }
    static SvmMissing missing() { return hv::svm::find_missing(cpuid, read_vm_cr); }
};

TEST_F(Support, nothing_is_missing_where_everything_is_there) {
    EXPECT_EQ(missing(), SvmMissing::None);
}

TEST_F(Support, each_feature_is_missed) {
    cpu.svm_edx = ~1U;
    EXPECT_EQ(missing(), SvmMissing::NestedPaging);
    cpu = Cpu{};
    cpu.extended_edx = ~(1U << 20);
    EXPECT_EQ(missing(), SvmMissing::Nx);
    cpu = Cpu{};
    cpu.leaf1_ecx = ~(1U << 26);
    EXPECT_EQ(missing(), SvmMissing::Xsave);
    cpu = Cpu{};
    cpu.vm_cr = 1 << 4;
    EXPECT_EQ(missing(), SvmMissing::DisabledByFirmware);
}

// VM_CR faults on such processors.
TEST_F(Support, vm_cr_is_not_read_without_svm) {
    cpu.extended_ecx = ~(1U << 2);
    EXPECT_EQ(missing(), SvmMissing::Svm);
    cpu = Cpu{};
    cpu.last_extended_leaf = 0x80000008;
    EXPECT_EQ(missing(), SvmMissing::Svm);
    EXPECT_EQ(cpu.vm_cr_reads, 0U);
}

}  // namespace
