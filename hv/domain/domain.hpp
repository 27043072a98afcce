// SPDX-License-Identifier: Apache-2.0
// Domain: one container of the launch plan and everything it owns. Created by hv/launch before the
// point of no return, never afterwards.
//
// Lock order (a thread that holds a later one never takes an earlier one):
//   1 Domain::lock      p2m, grants, HVM parameters, memory map; of several domains all or none
//                       (domain_locks.hpp)
//   2 event::lock       every event channel of the machine (hv/event)
//   3 sched::lock       run queue and vCPU states (hv/sched)
// A domain that maps or copies another one's pages needs that one's lock, and nobody is first in
// line for it: so it is not kept for long, and not waited for by many (hv/hypercall/memory_op.cpp).
#pragma once

#include "hv/abi/launch_op.hpp"
#include "hv/base/address.hpp"
#include "hv/base/spinlock.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/base/text.hpp"
#include "hv/mm/p2m.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

namespace hv::abi {
struct SharedInfo;
}
namespace hv::event {
class EventChannels;
}
namespace hv::grant {
class GrantTable;
}

namespace hv::hvm {
struct CpuidDomain;
}

namespace hv::pv {
struct PvDomain;
}

namespace hv::domain {

struct Vcpu;

// The life of a domain. Only forward.
enum class State : uint8_t {
    UnderConstruction,  // domB may map and fill it
    Built,              // decided: ready, waits for `running`
    Refused,            // decided: must not run
    Running,
    Ended,  // shut down, crashed or ended by the hypervisor; torn down
};

// Why a domain ended; the low values are Xen's SHUTDOWN_* ([xen-pub] sched.h).
enum class End : uint8_t {
    Poweroff = 0,
    Reboot = 1,
    Suspend = 2,
    Crash = 3,
    Watchdog = 4,
    SoftReset = 5,
    TripleFault = 16,
    Killed = 17,      // the hypervisor could not go on with it; the log says why
    Stopped = 18,     // by the launcher
    NotStarted = 19,  // held, and the launcher has decided that it never starts
};

// One entry of the guest's memory map, as XENMEM_memory_map reports it (e820 layout).
struct MemoryMapEntry {
    uint64_t address;
    uint64_t size;
    uint32_t type;
};

inline constexpr size_t hvm_param_count = 39;  // HVM_NR_PARAMS of Xen 4.17

struct Domain {
    DomainId id{};
    std::string_view name;
    std::string_view path;  // in the manifest
    launch::Roles roles;
    const hvm::CpuidDomain* cpuid = nullptr;
    pv::PvDomain* pv = nullptr;  // of a PV domain only
    launch::ExpectedEnd expected_end = launch::ExpectedEnd::Poweroff;
    bool is_builder = false;
    bool is_held = false;  // the launcher starts it, nobody else

    Spinlock lock;
    State state = State::UnderConstruction;     // under lock; read without it only by its own vCPUs
    End end = End::Poweroff;                    // valid when Ended
    TextOf<abi::launch_reason_bytes - 1> fate;  // of Refused and Ended: why, for the launcher
    std::atomic<bool> is_dying{false};
    std::atomic<bool> is_torn_down{false};
    uint64_t last_words_since_ns = 0;  // teardown's: when it told the console service, 0: not yet
    std::atomic<uint64_t> tlb_generation{1};  // of the p2m; see tlb.hpp

    mm::P2m p2m;
    uint64_t max_pages = 0;  // RAM of the plan: what it holds, has set aside and has in reserve
    uint64_t tot_pages = 0;  // RAM frames it holds now
    Mfn set_aside_first{};   // RAM it has ballooned out, linked through the frame table
    uint64_t set_aside_count = 0;
    Mfn reserve_first{};  // RAM it has never asked for, linked in the same way; full once it runs
    uint64_t reserve_count = 0;
    uint64_t overhead_bytes = 0;  // hypervisor memory spent on it
    Mfn shared_info_mfn{};        // always allocated; mapped where the guest wants it
    abi::SharedInfo* shared_info = nullptr;
    event::EventChannels* events = nullptr;
    grant::GrantTable* grants = nullptr;
    std::array<uint64_t, hvm_param_count> hvm_params{};
    StaticVector<MemoryMapEntry, 32> memory_map;
    StaticVector<Vcpu*, launch::max_vcpus_per_domain> vcpus;
    std::array<std::byte, 16> uuid{};
};

// The domain with that id, ended or not; nullptr if the plan has none.
Domain* find(DomainId id);

// Every domain of the plan and, until it is gone, domB.
std::span<Domain* const> all();

// Puts a domain into the table; ASSERTs that there is room and the id is new.
void add(Domain& domain);

// Makes every CPU that may hold translations of the domain drop them, and waits until they have.
// Must be called after entries of its p2m were removed or narrowed and before a frame that they
// named changes hands. [apm2] 15.16.
void flush_tlb(Domain& domain);

// Ends a domain: no vCPU of it enters the guest again. Callable from any CPU with no lock held but
// Domain::lock, by its own vCPU too; the teardown follows in the run loop (hv/launch/phase.hpp).
// `detail` is for the log. Ending twice is allowed; the first reason stays.
void end(Domain& domain, End why, std::string_view detail);

// Whether no CPU is in or handles an exit of the domain any more, nor will be: once it has ended,
// that stays.
bool is_quiescent(const Domain& domain);

// Whether it ended, and the way its owner expects.
bool ended_as_expected(const Domain& domain);

}  // namespace hv::domain
