// SPDX-License-Identifier: Apache-2.0
// Everything that belongs to somebody else: memory outside the memory map, other domains' pages,
// grants and ports, the builder's and the console service's hypercalls, the TPM.
#include "domb/rt/hypercall.hpp"
#include "domb/rt/instructions.hpp"
#include "hv/abi/launch_op.hpp"
#include "hv/abi/service_plan.hpp"
#include "hv/abi/xen_domctl.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/abi/xen_hvm.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/abi/xen_sched.hpp"
#include "tests/guest/harness/guest.hpp"

#include <array>
#include <utility>

namespace {

using rt::Hypercall;

constexpr std::array<uint16_t, 9> strangers{0, 1, 2, 3, 4, 0x7fe0, 0x7ff1, 0x7ff2, 0x7fff};
constexpr uint64_t free_gfn = 0xd0200;

void must_fail(const char* what, uint64_t detail, int64_t result) {
    if (result >= 0) {
        hv::TextOf<120> text;
        guest::fail(text.put(what).put(" succeeds for").view(), detail);
    }
}

// Memory that is not there reads as all ones and forgets what is written.
void try_absent_memory() {
    for (const uint64_t at :
         {0xc0000000UL, 0xd0000000UL, 0xe0001000UL, 0xfb000000UL, 0xfc000000UL, 0xfec00000UL,
          0xfed40000UL, 0xfed41000UL, 0xfed42000UL, 0xfed44f00UL, 0xff000000UL, 0xfffff000UL}) {
        guest::poke(at, 0);
        if (guest::peek(at) != ~uint64_t{0}) {
            guest::fail("there is something at", at);
        }
    }
}

void try_foreign_pages(uint16_t domid) {
    uint64_t index = 0x100;
    uint64_t gpfn = free_gfn;
    int32_t error = 0;
    hv::abi::AddToPhysmapBatch batch{};
    batch.domid = hv::abi::DOMID_SELF;
    batch.space = static_cast<uint16_t>(hv::abi::PhysMapSpace::XENMAPSPACE_gmfn_foreign);
    batch.size = 1;
    batch.u.foreign_domid = domid;
    batch.idxs = rt::to_argument(&index);
    batch.gpfns = rt::to_argument(&gpfn);
    batch.errs = rt::to_argument(&error);
    const int64_t result =
        rt::hypercall(Hypercall::memory_op, hv::abi::MemoryOp::XENMEM_add_to_physmap_batch, &batch);
    must_fail("foreign mapping", domid, result == 0 ? error : result);
    batch.domid = domid;
    must_fail("mapping into", domid,
              rt::hypercall(Hypercall::memory_op, hv::abi::MemoryOp::XENMEM_add_to_physmap_batch,
                            &batch));
    hv::abi::ForeignMemoryMap map{};
    map.domid = domid;
    must_fail("set_memory_map", domid,
              rt::hypercall(Hypercall::memory_op, hv::abi::MemoryOp::XENMEM_set_memory_map, &map));
}

void try_grants_and_ports(uint16_t domid) {
    for (const uint32_t ref : {0U, 1U, 8U, 0xffffffffU}) {
        hv::abi::GnttabMapGrantRef grant{};
        grant.host_addr = free_gfn << 12;
        grant.flags = hv::abi::GNTMAP_host_map;
        grant.ref = ref;
        grant.dom = domid;
        const int64_t result = rt::hypercall(
            Hypercall::grant_table_op, hv::abi::GrantTableOp::GNTTABOP_map_grant_ref, &grant, 1);
        must_fail("grant mapping", domid, result == 0 ? grant.status : result);
    }
    hv::abi::EvtchnBindInterdomain bind{};
    bind.remote_dom = domid;
    bind.remote_port = 1;
    must_fail("bind_interdomain", domid,
              rt::hypercall(Hypercall::event_channel_op,
                            hv::abi::EventChannelOp::EVTCHNOP_bind_interdomain, &bind));
    hv::abi::HvmParamArgs param{domid, 0, 17, 0};
    must_fail("get_param", domid,
              rt::hypercall(Hypercall::hvm_op, hv::abi::HvmOp::HVMOP_get_param, &param));
    hv::abi::SchedRemoteShutdown shutdown{domid, 0, 0};
    must_fail(
        "remote_shutdown", domid,
        rt::hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_remote_shutdown, &shutdown));
    must_fail("console write as", domid,
              rt::hypercall(Hypercall::console_io, hv::abi::consoleio_write_for,
                            uint64_t{domid} << 32 | 1, "x"));
}

void try_builder() {
    static constinit hv::abi::LaunchInfo info{};
    for (uint64_t op = 0; op < 8; ++op) {
        must_fail("launch operation", op, rt::hypercall(Hypercall::arch_7, op, &info));
    }
}

// What the launcher and the Xenstore service may.
void try_domctls(uint16_t domid) {
    for (const auto& [command, version] :
         {std::pair{hv::abi::Domctl::XEN_DOMCTL_destroydomain,
                    hv::abi::XEN_DOMCTL_INTERFACE_VERSION},
          std::pair{hv::abi::Domctl::XEN_DOMCTL_unpausedomain,
                    hv::abi::XEN_DOMCTL_INTERFACE_VERSION},
          std::pair{hv::abi::Domctl::XEN_DOMCTL_get_domain_state, 0U}}) {
        hv::abi::DomctlGetDomainState domctl{};
        domctl.cmd = static_cast<uint32_t>(command);
        domctl.interface_version = version;
        domctl.domain = domid;
        must_fail("domctl", domid, rt::hypercall(Hypercall::domctl, &domctl));
    }
}

// This guest's own id: CPUID leaf 4, ECX.
uint16_t own_domid() {
    return static_cast<uint16_t>(rt::cpuid(0x40000004).ecx);
}

}  // namespace

void guest::run(const rt::StartInfo& /*info*/) {
    try_absent_memory();
    for (const uint16_t domid : strangers) {
        if (domid != own_domid()) {
            try_foreign_pages(domid);
            try_grants_and_ports(domid);
        }
        try_domctls(domid);
    }
    try_builder();
    if (guest::peek(free_gfn << 12) != ~uint64_t{0}) {
        fail("one of the refused mappings is there");
    }
}
