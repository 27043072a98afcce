// SPDX-License-Identifier: Apache-2.0
#include "hv/domain/tlb.hpp"

#include "hv/base/text.hpp"
#include "hv/dev/log.hpp"
#include "hv/sched/sched.hpp"

#include <array>
#include <atomic>

namespace hv::domain {

namespace {

struct CpuTlb {
    // The generation with which the CPU is inside its guest, 0 outside.
    std::atomic<uint64_t> inside{0};
    std::atomic<const Domain*> domain{nullptr};
    const Vcpu* last = nullptr;  // its own CPU only
};

constexpr size_t max_cpus = 64;
constinit std::array<CpuTlb, max_cpus> cpus{};

// Kicks a CPU until it has done what it was kicked for. One kick should do; but whoever waits for
// it does so with interrupts off, so that one that is lost on the way must not be the end.
class Kicker {
  public:
    explicit Kicker(CpuId cpu) : cpu_{cpu}, start_ns_{sched::now_ns()}, last_ns_{start_ns_} {
        sched::kick_cpu(cpu_);
    }
    void wait() {
        const uint64_t now = sched::now_ns();
        if (now - last_ns_ >= interval_ns) {
            last_ns_ = now;
            sched::kick_cpu(cpu_);
        }
        if (now - start_ns_ >= patience_ns && !has_complained_) {
            has_complained_ = true;
            TextOf<64> text;
            dev::log(text.put("CPU ").dec(cpu_.value()).put(" does not leave its guest").view());
        }
        __builtin_ia32_pause();
    }

  private:
    static constexpr uint64_t interval_ns = 1'000'000;
    static constexpr uint64_t patience_ns = 1'000'000'000;
    CpuId cpu_;
    uint64_t start_ns_;
    uint64_t last_ns_;
    bool has_complained_ = false;
};

}  // namespace

bool tlb_enter(CpuId cpu, Vcpu& vcpu) {
    CpuTlb& c = cpus[cpu.value()];
    c.domain.store(vcpu.domain, std::memory_order_relaxed);
    uint64_t generation = 0;
    do {
        generation = vcpu.domain->tlb_generation.load(std::memory_order_seq_cst);
        // Sequentially consistent on both sides: either flush_tlb sees this CPU inside with an
        // old generation, or this CPU sees the new generation.
        c.inside.store(generation, std::memory_order_seq_cst);
    } while (vcpu.domain->tlb_generation.load(std::memory_order_seq_cst) != generation);

    const bool flush = c.last != &vcpu || vcpu.last_cpu != cpu || vcpu.tlb_generation != generation;
    c.last = &vcpu;
    vcpu.last_cpu = cpu;
    vcpu.tlb_generation = generation;
    return flush;
}

void tlb_leave(CpuId cpu) {
    cpus[cpu.value()].inside.store(0, std::memory_order_seq_cst);
}

void flush_tlb(Domain& domain) {
    const uint64_t generation = domain.tlb_generation.fetch_add(1, std::memory_order_seq_cst) + 1;
    for (uint32_t i = 0; i < max_cpus; ++i) {
        CpuTlb& c = cpus[i];
        const auto is_stale_inside = [&] {
            const uint64_t inside = c.inside.load(std::memory_order_seq_cst);
            return inside != 0 && inside < generation &&
                   c.domain.load(std::memory_order_seq_cst) == &domain;
        };
        if (!is_stale_inside()) {
            continue;
        }
        Kicker kicker{CpuId{i}};
        while (is_stale_inside()) {
            kicker.wait();
        }
    }
}

}  // namespace hv::domain
