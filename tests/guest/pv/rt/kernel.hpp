// SPDX-License-Identifier: Apache-2.0
// A PV kernel for tests, which is not Linux: every test guest below tests/guest/pv is one source
// file beside this runtime. It prints its verdict on the PV console and powers off.
#pragma once

#include "hv/abi/xen_pv_start_info.hpp"
#include "hv/abi/xen_shared_info.hpp"
#include "hv/base/text.hpp"
#include "tests/guest/pv/rt/hypercall.hpp"

#include <cstdint>
#include <string_view>

namespace pv {

// The test, in its own file. Returning ends it: with a pass, unless a check has failed.
void run();

const hv::abi::StartInfo& start_info();
hv::abi::SharedInfo& shared_info();
hv::abi::VcpuInfo& vcpu_info(unsigned vcpu = 0);

void print(std::string_view text);
// Ends the guest at once.
[[noreturn]] void fail(std::string_view what, uint64_t number = 0);
[[noreturn]] void finish();

// A check that fails is printed and counted; the test goes on.
void check(bool good, std::string_view what);
void check_equal(uint64_t actual, uint64_t expected, std::string_view what);
inline void check_result(int64_t actual, int64_t expected, std::string_view what) {
    check_equal(static_cast<uint64_t>(actual), static_cast<uint64_t>(expected), what);
}
inline void check_error(int64_t actual, hv::abi::Errno expected, std::string_view what) {
    check_result(actual, minus(expected), what);
}

// All of a test twice: with hypercalls through the page and by SYSCALL.
template <class F>
void run_both_ways(F all) {
    all();
    print("once more by SYSCALL\n");
    pv_uses_syscall = true;
    all();
}

// Whether the word is on the command line.
bool has_option(std::string_view word);
// The number behind `key=` there.
uint64_t option(std::string_view key, uint64_t otherwise);

uint64_t system_time_ns();

}  // namespace pv
