// SPDX-License-Identifier: Apache-2.0
// Vcpu: one virtual CPU of a domain: machine state, interrupt controller, timers, scheduling state.
#pragma once

#include "hv/base/address.hpp"
#include "hv/sched/entity.hpp"
#include "hv/svm/processor_state.hpp"
#include "hv/svm/registers.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace hv::abi {
struct VcpuInfo;
}
namespace hv::svm {
class Vmcb;
}
namespace hv::hvm {
class LocalApic;
class Msrs;
}  // namespace hv::hvm

namespace hv::pv {
struct PvVcpu;
}

namespace hv::domain {

struct Domain;

// Between an NMI and the end of the IRET that leaves its handler the next one waits. [apm2] 8.2.3.
enum class NmiHandler : uint8_t {
    None,
    Runs,
    Returns,  // it is at its IRET, which is over when RIP is another
};

// Whose interrupt waits in the VMCB.
enum class OfferedBy : uint8_t { Nobody, Upcall, Lapic, Nmi };

struct Vcpu {
    Domain* domain = nullptr;
    VcpuId id{};
    bool is_initialised = false;  // has a machine state: vCPU 0 by domB, others by INIT-SIPI
    bool is_up = false;           // written by sched::set_online only, under sched::lock

    svm::GuestRegisters registers{};  // what VMRUN does not save
    svm::Vmcb* vmcb = nullptr;
    svm::ProcessorState processor;
    hvm::LocalApic* lapic = nullptr;
    hvm::Msrs* msrs = nullptr;
    pv::PvVcpu* pv = nullptr;  // of a PV domain only
    // PV: the vector of its event callback, once it has one; evtchn_upcall_mask counts.
    uint8_t upcall_vector = 0;
    bool masks_upcalls = false;
    OfferedBy offered = OfferedBy::Nobody;
    // Entries in a row in the interrupt shadow at this RIP.
    uint8_t shadow_entries = 0;
    uint64_t shadow_rip = 0;
    bool moves_to_control = false;  // is to execute such a move: nothing is offered once
    uint8_t offered_vector = 0;
    uint64_t tlb_generation = 0;  // of the domain's p2m when it last entered; see tlb.hpp
    CpuId last_cpu{};             // where it last entered the guest
    // INIT and STARTUP messages not yet carried out (hv/hvm/ipi.hpp), and a pending NMI.
    std::atomic<uint32_t> startup{0};
    std::atomic<bool> nmi_pending{false};
    NmiHandler nmi_handler = NmiHandler::None;  // of a kernel that gets NMIs as such
    uint8_t halt_bytes = 0;       // length of the HLT that an NMI ends, at RIP; 0: it is in none
    uint64_t nmi_return_rip = 0;  // of the IRET, while it Returns

    // Where vcpu_info lives: in shared_info for ids below 32 until VCPUOP_register_vcpu_info.
    // Read by other CPUs that send events; replaced once, under event::lock.
    std::atomic<abi::VcpuInfo*> info{nullptr};
    Mfn info_mfn{};  // of the registered page; counted in the frame table
    bool info_registered = false;

    // SCHEDOP_poll: the port whose event wakes it, 0 if none, ~0 if any of several. Under
    // event::lock; read without it as a hint.
    std::atomic<uint32_t> polled_port{0};

    GuestVaddr runstate_area{};  // VCPUOP_register_runstate_memory_area, 0 if none
    GuestPaddr time_area{};      // VCPUOP_register_vcpu_time_memory_area, 0 if none

    sched::Entity sched;  // under sched::lock
};

// The vCPU that this CPU is running or handling an exit of; asserts that there is one.
Vcpu& current();

}  // namespace hv::domain
