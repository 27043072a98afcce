// SPDX-License-Identifier: Apache-2.0
// Hypercalls with pointers that lead nowhere, into read-only pages, over the end of a page, around
// the end of the address space. Each must fail with an error, and the guest must go on.
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_console.hpp"
#include "hv/abi/xen_errno.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/abi/xen_hvm.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/abi/xen_sched.hpp"
#include "hv/abi/xen_vcpu.hpp"
#include "hv/abi/xen_version.hpp"
#include "tests/guest/harness/guest.hpp"

#include <array>

namespace {

using rt::Hypercall;

struct Pointer {
    const char* what;
    uint64_t address;
};

constexpr std::array pointers{
    Pointer{"null page", 0},
    Pointer{"not canonical", 0x8000'0000'0000'0000},
    Pointer{"just below not canonical", 0x7fff'ffff'fffc},
    Pointer{"not mapped", 0x1234'5678'9000},
    Pointer{"end of the address space", 0xffff'ffff'ffff'fffc},
    Pointer{"mapped, but no memory there", 0xe000'0000},
};

// Operations with a structure of their own behind the pointer, read by the hypervisor.
struct Operation {
    const char* what;
    Hypercall number;
    uint64_t command;
};

template <class T>
constexpr uint64_t command(T op) {
    return static_cast<uint64_t>(op);
}

constexpr std::array operations{
    Operation{"add_to_physmap", Hypercall::memory_op,
              command(hv::abi::MemoryOp::XENMEM_add_to_physmap)},
    Operation{"add_to_physmap_batch", Hypercall::memory_op,
              command(hv::abi::MemoryOp::XENMEM_add_to_physmap_batch)},
    Operation{"memory_map", Hypercall::memory_op, command(hv::abi::MemoryOp::XENMEM_memory_map)},
    Operation{"decrease_reservation", Hypercall::memory_op,
              command(hv::abi::MemoryOp::XENMEM_decrease_reservation)},
    Operation{"alloc_unbound", Hypercall::event_channel_op,
              command(hv::abi::EventChannelOp::EVTCHNOP_alloc_unbound)},
    Operation{"send", Hypercall::event_channel_op, command(hv::abi::EventChannelOp::EVTCHNOP_send)},
    Operation{"init_control", Hypercall::event_channel_op,
              command(hv::abi::EventChannelOp::EVTCHNOP_init_control)},
    Operation{"expand_array", Hypercall::event_channel_op,
              command(hv::abi::EventChannelOp::EVTCHNOP_expand_array)},
    Operation{"get_param", Hypercall::hvm_op, command(hv::abi::HvmOp::HVMOP_get_param)},
    Operation{"poll", Hypercall::sched_op, command(hv::abi::SchedOp::SCHEDOP_poll)},
    Operation{"extraversion", Hypercall::xen_version,
              command(hv::abi::XenVersionOp::XENVER_extraversion)},
    Operation{"get_features", Hypercall::xen_version,
              command(hv::abi::XenVersionOp::XENVER_get_features)},
};

void must_fail(const char* what, const char* where, int64_t result) {
    if (result >= 0) {
        hv::TextOf<160> text;
        guest::fail(text.put(what).put(" succeeds with a pointer that is ").put(where).view());
    }
}

void try_all(const Pointer& pointer) {
    for (const Operation& op : operations) {
        must_fail(op.what, pointer.what, rt::hypercall(op.number, op.command, pointer.address));
    }
    must_fail("console write", pointer.what,
              rt::hypercall(Hypercall::console_io, hv::abi::ConsoleIo::CONSOLEIO_write, 8,
                            pointer.address));
    must_fail("map_grant_ref", pointer.what,
              rt::hypercall(Hypercall::grant_table_op,
                            hv::abi::GrantTableOp::GNTTABOP_map_grant_ref, pointer.address, 1));
}

// Pointers inside structures that are all right themselves.
void try_nested(const Pointer& pointer) {
    hv::abi::MemoryMap map{};
    map.nr_entries = 32;
    map.buffer = pointer.address;
    must_fail("memory_map's buffer", pointer.what,
              rt::hypercall(Hypercall::memory_op, hv::abi::MemoryOp::XENMEM_memory_map, &map));
    hv::abi::SchedPoll poll{};
    poll.ports = pointer.address;
    poll.nr_ports = 4;
    must_fail("poll's ports", pointer.what,
              rt::hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_poll, &poll));
}

}  // namespace

void guest::run(const rt::StartInfo& /*info*/) {
    for (const Pointer& pointer : pointers) {
        try_all(pointer);
        try_nested(pointer);
    }
    // Output to our own code, which our page tables make read-only.
    must_fail("extraversion", "read-only",
              rt::hypercall(Hypercall::xen_version, hv::abi::XenVersionOp::XENVER_extraversion,
                            &guest::run));
    // A buffer that starts in the last mapped page below a hole: the stack guard is unmapped.
    must_fail("a write of 4 GiB", "too long",
              rt::hypercall(Hypercall::console_io, hv::abi::ConsoleIo::CONSOLEIO_write, 0xffffffff,
                            uint64_t{0xfff}));
}
