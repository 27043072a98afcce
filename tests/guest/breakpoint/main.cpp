// SPDX-License-Identifier: Apache-2.0
// Sets breakpoints, in its own address space, at `address`, where the hypervisor or another domain
// has code that runs all the time: nobody there may meet them. The debug registers hold what was
// written.
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_version.hpp"
#include "tests/guest/harness/guest.hpp"

#include <cstddef>

extern std::byte rt_data_start[];  // rt.ld

namespace {

constexpr uint64_t reset = 0x400;

void set_dr0(uint64_t value) {
    asm volatile("mov %0, %%dr0" : : "r"(value));
}
void set_dr7(uint64_t value) {
    asm volatile("mov %0, %%dr7" : : "r"(value));
}
// The same register while CR4.DE is clear.
void set_dr5(uint64_t value) {
    asm volatile("mov %0, %%db5" : : "r"(value));
}
uint64_t dr0() {
    uint64_t value = 0;
    asm volatile("mov %%dr0, %0" : "=r"(value));
    return value;
}
uint64_t dr7() {
    uint64_t value = 0;
    asm volatile("mov %%dr7, %0" : "=r"(value));
    return value;
}

// Leaves the container and comes back, often; then the registers are the same.
void expect(uint64_t address, uint64_t control) {
    for (int n = 0; n < 100; ++n) {
        rt::hypercall(rt::Hypercall::xen_version, hv::abi::XenVersionOp::XENVER_version, 0);
    }
    if (dr0() != address) {
        guest::fail("DR0 is", dr0());
    }
    if (dr7() != control) {
        guest::fail("DR7 is", dr7());
    }
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    const uint64_t address = option(info, "address", 0);
    if (address < reinterpret_cast<uint64_t>(rt_data_start)) {
        error("the address is not beyond this guest's own code");
    }
    constexpr uint64_t execute = reset | 2;      // G0
    constexpr uint64_t exact = execute | 0x300;  // LE, GE

    set_dr0(address);
    set_dr7(execute);
    expect(address, execute);
    set_dr7(reset);
    set_dr5(exact);
    expect(address, exact);
    // Enabled first.
    set_dr0(0);
    set_dr7(execute);
    set_dr0(address);
    expect(address, execute);
    set_dr0(address + 1);
    expect(address + 1, execute);
}
