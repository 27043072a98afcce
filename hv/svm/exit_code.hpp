// SPDX-License-Identifier: Apache-2.0
// Exit codes, [apm2] appendix C.
#pragma once

#include <cstdint>

namespace hv::svm {

enum class ExitCode : uint64_t {
    CR0_WRITE = 0x10,
    CR8_WRITE = 0x18,
    DR0_WRITE = 0x30,
    DR1_WRITE = 0x31,
    DR2_WRITE = 0x32,
    DR3_WRITE = 0x33,
    DR5_WRITE = 0x35,
    DR7_WRITE = 0x37,
    EXCEPTION_DB = 0x41,
    EXCEPTION_UD = 0x46,
    EXCEPTION_AC = 0x51,
    EXCEPTION_MC = 0x52,
    INTR = 0x60,
    NMI = 0x61,
    VINTR = 0x64,
    IDTR_WRITE = 0x6a,
    GDTR_WRITE = 0x6b,
    LDTR_WRITE = 0x6c,
    TR_WRITE = 0x6d,
    RDPMC = 0x6f,
    CPUID = 0x72,
    IRET = 0x74,
    INVD = 0x76,
    HLT = 0x78,
    INVLPGA = 0x7a,
    IOIO = 0x7b,
    MSR = 0x7c,
    TASK_SWITCH = 0x7d,
    SHUTDOWN = 0x7f,
    VMRUN = 0x80,
    VMMCALL = 0x81,
    VMLOAD = 0x82,
    VMSAVE = 0x83,
    STGI = 0x84,
    CLGI = 0x85,
    SKINIT = 0x86,
    WBINVD = 0x89,
    MONITOR = 0x8a,
    MWAIT = 0x8b,
    MWAIT_CONDITIONAL = 0x8c,
    NPF = 0x400,
    INVALID = ~uint64_t{0},
};

// Of EXITCODE as the processor left it. The emulated one writes the low half of INVALID.
constexpr ExitCode exit_code_of(uint64_t exitcode) {
    return exitcode == ~uint32_t{0} ? ExitCode::INVALID : ExitCode{exitcode};
}
static_assert(exit_code_of(0xffffffff) == ExitCode::INVALID);
static_assert(exit_code_of(~uint64_t{0}) == ExitCode::INVALID);
static_assert(exit_code_of(0x400) == ExitCode::NPF);

}  // namespace hv::svm
