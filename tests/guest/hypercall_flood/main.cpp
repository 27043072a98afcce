// SPDX-License-Identifier: Apache-2.0
// Hypercalls as fast as they go, known and unknown ones, for `seconds`. The neighbours must not
// notice; this guest only sees that all answers stay right.
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_errno.hpp"
#include "hv/abi/xen_sched.hpp"
#include "hv/abi/xen_version.hpp"
#include "tests/guest/harness/guest.hpp"

void guest::run(const rt::StartInfo& info) {
    constexpr int64_t enosys = -static_cast<int64_t>(hv::abi::Errno::XEN_ENOSYS);
    const uint64_t end = now_ns() + option(info, "seconds", 3) * 1'000'000'000;
    uint64_t count = 0;
    uint64_t random = 88172645463325252;
    while (now_ns() < end) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        const int64_t version =
            rt::hypercall(rt::Hypercall::xen_version, hv::abi::XenVersionOp::XENVER_version, 0);
        if (version >> 16 != 4) {
            fail("xen_version answers", static_cast<uint64_t>(version));
        }
        // 64 and more are no hypercalls; high bits set must not alias a known one.
        const uint64_t number = random | 64;
        if (const int64_t result = rt::hypercall_raw(number, random, random, random, random);
            result != enosys) {
            fail("an unknown hypercall answers", static_cast<uint64_t>(result));
        }
        if (rt::hypercall(rt::Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_yield) != 0) {
            fail("yield does not answer 0");
        }
        count += 3;
    }
    hv::TextOf<60> line;
    print(line.put("made ").dec(count).put(" hypercalls\n").view());
}
