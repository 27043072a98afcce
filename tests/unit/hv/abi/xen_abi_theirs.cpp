// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hv/abi/xen_abi.hpp"

#define __XEN_TOOLS__ 1
#define __XEN_INTERFACE_VERSION__ 0x00040e00
// clang-format off
#include <cstddef>
#include <cstdint>
#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/callback.h>
#include <xen/elfnote.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
// clang-format on

namespace {

// clang-format off
#define HYPERCALL(name) {#name, __HYPERVISOR_##name},
#define VALUE(type, name) {#name, static_cast<uint64_t>(name)},
#define CONSTANT(name) {#name, static_cast<uint64_t>(name)},
#define SIZE(ours, theirs) {"sizeof " #theirs, sizeof(theirs)},
#define FIELD(ours, theirs, field) {"offset of " #theirs "." #field, offsetof(theirs, field)}, \
    {"size of " #theirs "." #field, sizeof(theirs{}.field)},
// clang-format on

const AbiFact facts[] = {
#include "tests/unit/hv/abi/xen_abi.inc"
};

}  // namespace

std::span<const AbiFact> xens_facts() {
    return facts;
}
