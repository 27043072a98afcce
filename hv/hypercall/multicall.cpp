// SPDX-License-Identifier: Apache-2.0
// multicall(list, count): several calls for one exit. [xen-pub] xen.h.
#include "hv/abi/xen_hypercall.hpp"
#include "hv/hypercall/dispatch.hpp"
#include "hv/hypercall/handlers.hpp"

#include <algorithm>

namespace hv::hypercall {

namespace {

constexpr uint64_t entries_at_a_time = 16;

}  // namespace

Answer multicall(Call& call) {
    uint64_t& list = call.args[0];
    uint64_t& count = call.args[1];
    for (uint64_t n = 0; n < entries_at_a_time && count > 0; ++n) {
        if (n > 0 && call.is_turn_over()) {
            break;
        }
        const GuestVaddr at{list};
        auto entry = TRY(read<abi::MulticallEntry>(call, at));
        Call inner{.vcpu = call.vcpu,
                   .number = entry.op,
                   .tables_left = call.tables_left,
                   .looks_left = call.looks_left,
                   .turn_ends_ns = call.turn_ends_ns};
        std::copy_n(entry.args, inner.args.size(), inner.args.begin());

        const bool is_nested = entry.op == static_cast<uint64_t>(abi::Hypercall::multicall);
        Answer answer = is_nested ? Answer{fail(Errno::XEN_EINVAL)} : handle(inner);
        call.tables_left = inner.tables_left;
        call.looks_left = inner.looks_left;
        if (!answer.ok() && answer.error() == Errno::XEN_ERESTART) {
            // The entry itself remembers how far it came.
            std::copy(inner.args.begin(), inner.args.end(), entry.args);
            TRY(write(call, at, entry));
            return again();
        }
        entry.result = answer.ok() ? answer.take()
                                   : static_cast<uint64_t>(-static_cast<int64_t>(answer.error()));
        TRY(write(call, at + offsetof(abi::MulticallEntry, result), entry.result));
        list += sizeof(abi::MulticallEntry);
        --count;
    }
    if (count > 0) {
        return again();
    }
    return 0;
}

}  // namespace hv::hypercall
