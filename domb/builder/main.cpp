// SPDX-License-Identifier: Apache-2.0
// domB: copies, measures and places every domain of the plan, then is gone for good.
#include "domb/rt/main.hpp"

#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"
#include "hv/abi/launch_op.hpp"
#include "hv/base/text.hpp"

namespace abi = hv::abi;

namespace {

constinit abi::LaunchInfo info{};

int64_t launch_op(abi::LaunchOp op, const void* argument) {
    return rt::hypercall(abi::hypercall_launch_op, static_cast<uint64_t>(op),
                         rt::address_of(argument));
}

}  // namespace

void rt::domain_main(uint64_t /*start_info*/) {
    const int64_t result = launch_op(abi::LaunchOp::GetInfo, &info);
    hv::TextOf<256> text;
    text.put("domB: result ").hex(static_cast<uint64_t>(result));
    text.put(" version ").dec(info.version).put(" modules ").dec(info.module_count);
    text.put(" heap ").hex(info.heap.gpaddr).put("+").hex(info.heap.bytes);
    text.put(" window ").hex(info.window.gpaddr).put("+").hex(info.window.bytes);
    text.put(" tpm ").hex(info.tpm.gpaddr).put(" log ").hex(info.log.gpaddr).put("\n");
    rt::write(text.view());
    rt::shutdown(rt::ShutdownReason::poweroff);
}
