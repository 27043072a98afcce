// SPDX-License-Identifier: Apache-2.0
// The one hypercall that is ours: how the builder domain (domB) tells the hypervisor what Xen has
// no operation for. Register convention as for every Xen hypercall (rdi = command, rsi = argument).
//
// domB fills a domain under construction with Xen's own operations (XENMEM_add_to_physmap_batch
// with XENMAPSPACE_gmfn_foreign, XENMEM_set_memory_map) and these. Everything here is -EPERM for
// any other domain, and all but Record for domB once it has capped. The domain with the role
// launcher may use the last two, and Record, once domains run.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

// __HYPERVISOR_arch_7 of Xen's public/xen.h: reserved for architectures, unused on x86.
inline constexpr uint64_t hypercall_launch_op = 55;

enum class LaunchOp : uint32_t {
    // LaunchInfo*: where the hypervisor put what domB works on.
    GetInfo = 0,
    // LaunchVcpu*: the initial state of vCPU 0 of a domain under construction.
    SetVcpu = 1,
    // LaunchBuilt*: construction of one domain has ended, well or badly.
    Built = 2,
    // LaunchCap*: every domain is decided and the separators are extended. Unmaps the TPM, the log
    // and all foreign memory from domB; there is no way back.
    Cap = 3,
    // LaunchRecord*: a line for the launch record, `event=NAME key=value ...`. The launcher's are
    // domain-waiting, domain-ready and domain-failed, else -EINVAL.
    Record = 4,
    // LaunchPvVcpu*: the same as SetVcpu for a PV domain, once its page tables are written.
    SetPvVcpu = 5,
    // LaunchFate*: what has become of a domain of the plan. -ESRCH: there is none.
    GetFate = 6,
    // LaunchRecovery*: starts the recovery domain, which finds the reason in its module. -ESRCH:
    // there is none; -EINVAL: it has started or cannot.
    Recover = 7,
};

// A range in domB's guest physical address space. bytes = 0 means absent.
struct LaunchRange {
    uint64_t gpaddr;
    uint64_t bytes;
};

struct LaunchModule {
    LaunchRange contents;  // read-only in domB
};

inline constexpr uint32_t launch_max_modules = 128;

// So much at the heap's start is zero-filled; the rest is for copies of modules.
inline constexpr uint64_t launch_zeroed_heap_bytes = 4 << 20;

struct LaunchInfo {
    uint32_t version;       // 1
    uint32_t module_count;  // entries of `modules` in use; 0 is the LCM, 1 domB's own image
    uint64_t log_used;      // bytes of the event log that the hypervisor has written
    LaunchRange log;        // whole log area, writable
    LaunchRange tpm;        // TIS localities 0 to 4, or absent when no TPM works
    uint32_t tpm_locality;  // the locality domB is to use: 2, or 0
    uint32_t banks;         // active banks: bit 0 SHA-1, 1 SHA-256, 2 SHA-384, 3 SHA-512
    LaunchRange heap;       // RAM of domB beyond its image, sized from the plan; see below
    LaunchRange window;     // unused guest physical addresses for foreign mappings
    LaunchModule modules[launch_max_modules];
};
static_assert(offsetof(LaunchInfo, log) == 0x10 && offsetof(LaunchInfo, modules) == 0x58);

// 32-bit flat protected mode, paging off, as PVH wants it ([xen-pub] arch-x86/hvm/start_info.h).
struct LaunchVcpu {
    uint32_t domid;
    uint32_t eip;
    uint32_t ebx;  // guest physical address of hvm_start_info
    uint32_t pad;
};

// 64-bit mode at the privilege of a PV kernel, event delivery masked ([xen-pub] xen.h, "start of
// day memory layout"). The hypervisor adds its own slots to the L4 table ([ours] pv_layout.hpp) and
// fills the hypercall page.
struct LaunchPvVcpu {
    uint32_t domid;
    uint32_t pad;
    uint64_t rip;             // guest virtual
    uint64_t rsp;             // guest virtual
    uint64_t start_info;      // guest virtual, in RSI
    uint64_t l4_gfn;          // machine frame of the initial L4 table
    uint64_t hypercall_page;  // machine frame that the kernel's HYPERCALL_PAGE note names, or ~0
};

enum class LaunchOutcome : uint32_t {
    Ready = 0,    // measured and placed: may run
    Refused = 1,  // must not run (expected digest differs, no PVH note, too little memory, ...)
};

inline constexpr size_t launch_reason_bytes = 96;

struct LaunchBuilt {
    uint32_t domid;
    LaunchOutcome outcome;
    char reason[launch_reason_bytes];  // of Refused, ends with a NUL: what GetFate tells then
};

struct LaunchCap {
    uint64_t log_used;  // final length of the event log in bytes
    // 1: every event is in every active bank; 0: measurement off or unavailable, which hv takes it
    // for whatever domB says when hv could not measure its own part.
    uint32_t measured;
    uint32_t pad;
};

enum class LaunchState : uint32_t {
    Held = 0,  // built, and nobody has started it
    Running = 1,
    Ended = 2,    // torn down
    Refused = 3,  // by domB: it never runs
};

struct LaunchFate {
    uint32_t domid;
    LaunchState state;     // written from here on
    uint32_t as_expected;  // 1: it ended, in the way that the manifest expects
    uint32_t pad;
    char reason[launch_reason_bytes];  // of Ended and Refused: why, NUL terminated: "crash",
                                       // "/domains/0/kernel: not-an-x86-64-elf"
};

struct LaunchRecovery {
    uint64_t reason;  // guest virtual address, UTF-8 or ASCII text, not NUL terminated
    uint32_t bytes;   // at most 512
    uint32_t pad;
};

// Where the recovery domain finds the reason: one page, a start-info module whose command line is
// this name. It has zeros after the text.
inline constexpr uint64_t recovery_reason_gpaddr = 0xfeffb000;
inline constexpr char recovery_reason_name[] = "recovery-reason";

struct LaunchRecord {
    uint64_t text;   // guest virtual address, not NUL terminated
    uint32_t bytes;  // at most 512
    uint32_t pad;
};

}  // namespace hv::abi
