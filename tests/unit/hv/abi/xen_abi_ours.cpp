// SPDX-License-Identifier: Apache-2.0
#include "hv/abi/xen_console.hpp"
#include "hv/abi/xen_elfnote.hpp"
#include "hv/abi/xen_errno.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/abi/xen_hvm.hpp"
#include "hv/abi/xen_hypercall.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/abi/xen_pv.hpp"
#include "hv/abi/xen_pv_start_info.hpp"
#include "hv/abi/xen_sched.hpp"
#include "hv/abi/xen_shared_info.hpp"
#include "hv/abi/xen_start_info.hpp"
#include "hv/abi/xen_vcpu.hpp"
#include "hv/abi/xen_version.hpp"
#include "hv/abi/xen_xenstore.hpp"
#include "tests/unit/hv/abi/xen_abi.hpp"

namespace {

// clang-format off
#define HYPERCALL(name) {#name, static_cast<uint64_t>(hv::abi::Hypercall::name)},
#define VALUE(type, name) {#name, static_cast<uint64_t>(hv::abi::type::name)},
#define CONSTANT(name) {#name, static_cast<uint64_t>(hv::abi::name)},
#define SIZE(ours, theirs) {"sizeof " #theirs, sizeof(hv::abi::ours)},
#define FIELD(ours, theirs, field) {"offset of " #theirs "." #field, offsetof(hv::abi::ours, field)}, \
    {"size of " #theirs "." #field, sizeof(hv::abi::ours{}.field)},
// clang-format on

const AbiFact facts[] = {
#include "tests/unit/hv/abi/xen_abi.inc"
};

}  // namespace

std::span<const AbiFact> our_facts() {
    return facts;
}
