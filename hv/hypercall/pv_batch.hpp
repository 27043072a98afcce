// SPDX-License-Identifier: Apache-2.0
// The form that mmu_update and mmuext_op share: (list, count, where to count what was done, foreign
// domain). The high bit of the count is set while a call goes on, as in Xen. [xen-pub] xen.h.
#pragma once

#include "hv/hypercall/call.hpp"

#include <cstdint>

namespace hv::hypercall {

namespace batch {
inline constexpr uint32_t goes_on = 1U << 31;

inline bool is_continued(const Call& call) {
    return (static_cast<uint32_t>(call.args[1]) & goes_on) != 0;
}

// Adds to what an earlier part of the same call has counted.
inline Result<void, Errno> count_done(const Call& call, uint32_t done, bool continued) {
    const GuestVaddr at = call.pointer(2);
    if (at == GuestVaddr{0} || (done == 0 && continued)) {
        return Ok{};
    }
    const uint32_t before = continued ? TRY(read<uint32_t>(call, at)) : 0;
    return write(call, at, before + done);
}
}  // namespace batch

// The domain that args[3] names is the caller's to check.
// Calls `work` with each element until one fails; the answer is that failure. One that answers
// XEN_ERESTART is called again with the same element.
template <class Request, class Work>
Answer for_each_request(Call& call, uint32_t at_a_time, Work&& work) {
    const bool continued = batch::is_continued(call);
    const uint32_t count = static_cast<uint32_t>(call.args[1]) & ~batch::goes_on;
    uint32_t done = 0;
    const auto next = [&]() -> Result<void, Errno> {
        const auto request = TRY(read<Request>(call, element<Request>(call.pointer(0), done)));
        TRY(work(request));
        return Ok{};
    };
    while (done < count && done < at_a_time && !(done > 0 && call.is_turn_over())) {
        if (const auto result = next(); !result.ok()) {
            if (result.error() == Errno::XEN_ERESTART) {
                break;
            }
            TRY(batch::count_done(call, done, continued));
            return fail(result.error());
        }
        ++done;
    }
    TRY(batch::count_done(call, done, continued));
    if (done == count) {
        return 0;
    }
    call.args[0] += done * sizeof(Request);
    call.args[1] = (count - done) | batch::goes_on;
    return again();
}

}  // namespace hv::hypercall
