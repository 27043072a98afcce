// SPDX-License-Identifier: Apache-2.0
#include "hv/boot/cpus.hpp"

#include "hv/base/assert.hpp"
#include "hv/boot/image.hpp"
#include "hv/boot/memory.hpp"
#include "hv/dev/clock.hpp"
#include "hv/dev/log.hpp"
#include "hv/sched/sched.hpp"
#include "hv/svm/svm.hpp"
#include "hv/x86/apic.hpp"
#include "hv/x86/instructions.hpp"

#include <array>
#include <atomic>
#include <cstring>

extern "C" {
uint64_t ap_stack_top;  // read by entry.S
[[noreturn]] void boot_ap();
}

namespace hv::boot {

namespace {

constexpr Paddr trampoline_page{0x8000};
constexpr uint64_t start_limit_ns = 1'000'000'000;

constinit std::array<x86::CpuLocal, x86::max_cpus> locals{};
constinit Machine* machine_of_aps = nullptr;
constinit std::atomic<uint32_t> cpus_started{1};
constinit std::atomic<void (*)(CpuId)> run_loop{nullptr};

// Everything a CPU needs of its own, allocated before it starts.
void prepare(Machine& m, CpuId id) {
    x86::CpuLocal& local = locals[id.value()];
    local.id = id;
    local.nmi_stack = make_stack(m, page_size);
    local.fault_stack = make_stack(m, page_size);
    auto frames = m.arena.frames(2);
    ASSERT(frames.ok());
    local.host_save_area = frames.value();
    local.host_vmcb = to_paddr(frames.value() + 1);
}

void start_this_cpu(CpuId id) {
    x86::CpuLocal& local = locals[id.value()];
    x86::install(local, local.nmi_stack, local.fault_stack);
    x86::apic_enable();
    local.apic_id = x86::apic_id();
    if (svm::check_cpu() != svm::SvmMissing::None) {
        PANIC("this CPU lacks SVM with nested paging, NX or XSAVE");
    }
    svm::enable(local.host_save_area);
    svm::enable_xsave();
    x86::vmsave(local.host_vmcb);
}

bool wait_for_start(uint32_t count) {
    const uint64_t give_up = dev::system_time_ns() + start_limit_ns;
    while (cpus_started.load(std::memory_order_acquire) != count) {
        if (dev::system_time_ns() > give_up) {
            return false;
        }
        x86::pause();
    }
    return true;
}

void wait_ns(uint64_t ns) {
    const uint64_t end = dev::system_time_ns() + ns;
    while (dev::system_time_ns() < end) {
        x86::pause();
    }
}

// By QEMU itself: its translator says so in the first leaf for hypervisors.
bool is_emulated() {
    constexpr uint32_t hypervisor_present = 1U << 31;  // CPUID 1 ECX
    if ((x86::cpuid(1).ecx & hypervisor_present) == 0) {
        return false;
    }
    const auto leaf = x86::cpuid(0x40000000);
    constexpr uint32_t tcgt = 0x54474354;
    return leaf.ebx == tcgt && leaf.ecx == 0x43544743 && leaf.edx == 0x47435447;
}

bool start_one(Machine& m, uint32_t apic_id) {
    const CpuId id{m.cpu_count};
    prepare(m, id);
    ap_stack_top = make_stack(m, x86::stack_bytes);
    x86::apic_send_init(apic_id);
    wait_ns(200'000);  // [sdm3] 8.4.4.1 asks for 10 ms; processors of the SVM age need far less
    constexpr auto page = static_cast<uint8_t>(trampoline_page.value() >> page_shift);
    x86::apic_send_startup(apic_id, page);
    wait_ns(200'000);
    if (cpus_started.load(std::memory_order_acquire) == m.cpu_count) {
        x86::apic_send_startup(apic_id, page);
    }
    return wait_for_start(m.cpu_count + 1);
}

}  // namespace

void start_boot_cpu(Machine& m) {
    x86::build_idt();
    prepare(m, CpuId{0});
    start_this_cpu(CpuId{0});
}

void start_other_cpus(Machine& m) {
    machine_of_aps = &m;
    std::memcpy(mm::direct_map(trampoline_page), ap_trampoline,
                static_cast<size_t>(ap_trampoline_end - ap_trampoline));
    for (const uint32_t apic_id : m.acpi.apic_ids) {
        if (apic_id == x86::this_cpu().apic_id || m.cpu_count == x86::max_cpus) {
            continue;
        }
        if (!start_one(m, apic_id)) {
            TextOf<64> text;
            dev::log(text.put("CPU with APIC id ").dec(apic_id).put(" does not start").view());
            return;  // its stack may still be used: no further CPU can be told apart from it
        }
        ++m.cpu_count;
    }
    if (m.cpu_count > 1 && is_emulated()) {
        sched::spare_boot_cpu();
        dev::log("CPU 0 runs no domain: QEMU changes its flags from other CPUs");
    }
}

void release_cpus(void (*loop)(CpuId)) {
    run_loop.store(loop, std::memory_order_release);
    for (uint32_t i = 1; i < cpus_started.load(std::memory_order_acquire); ++i) {
        sched::kick_cpu(CpuId{i});
    }
    loop(CpuId{0});
    PANIC("the run loop returned");
}

x86::CpuLocal& cpu_local(CpuId id) {
    return locals[id.value()];
}

}  // namespace hv::boot

// Entered by entry.S on the new CPU, on its own stack.
void boot_ap() {
    using namespace hv;
    const CpuId id{boot::cpus_started.load(std::memory_order_relaxed)};
    boot::use_host_map(*boot::machine_of_aps);
    boot::start_this_cpu(id);
    boot::cpus_started.fetch_add(1, std::memory_order_release);
    void (*loop)(CpuId) = nullptr;
    while ((loop = boot::run_loop.load(std::memory_order_acquire)) == nullptr) {
        x86::halt_until_interrupt();  // the kick of release_cpus cannot be missed: IF was clear
    }
    loop(id);
    PANIC("the run loop returned");
}

// What hv/sched asks of hv/x86.
namespace hv::sched {
void kick_cpu(CpuId cpu) {
    if (cpu != x86::this_cpu().id) {
        x86::apic_send_ipi(boot::cpu_local(cpu).apic_id, x86::HostVector::Kick);
    }
}
uint64_t now_ns() {
    return dev::system_time_ns();
}
}  // namespace hv::sched
