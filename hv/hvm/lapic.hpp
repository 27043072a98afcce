// SPDX-License-Identifier: Apache-2.0
// LocalApic: the local APIC of one vCPU in its three states (disabled, xAPIC, x2APIC), after
// [apm2] chapter 16 and [sdm3] chapter 10. It calls nobody: a write returns what the caller has to
// do (LapicEffect), the clock is an argument. Every method is for the vCPU's own CPU, except
// accept(), address(), has_pending() and note_timer_due(), which any CPU may call at any time.
// Not there: relocating the page, changing the id, the TSC deadline mode, external sources of LINT.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/hvm/lapic_ipi.hpp"
#include "hv/hvm/lapic_timer.hpp"
#include "hv/hvm/msr_fault.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace hv::hvm {

enum class Trigger : uint8_t { Edge, Level };

// What a register write asks of the caller. Interrupts of the APIC to itself are already accepted.
struct LapicEffect {
    std::optional<Ipi> ipi{};                   // deliver to the destinations, sender included
    std::optional<uint8_t> level_eoi_vector{};  // tell the IO-APICs, there being any
    bool timer_changed = false;                 // ask deadline_ns() again
};

// An array of 256 bits that other CPUs may set bits in.
class VectorBits {
  public:
    // True if the bit was clear.
    bool set(uint8_t vector) {
        // Release: what the sender wrote before the interrupt is visible to who finds it pending.
        return (word(vector).fetch_or(bit(vector), std::memory_order_acq_rel) & bit(vector)) == 0;
    }
    void clear(uint8_t vector) { word(vector).fetch_and(~bit(vector), std::memory_order_acq_rel); }
    [[nodiscard]] bool test(uint8_t vector) const {
        return (words_[vector / 32].load(std::memory_order_acquire) & bit(vector)) != 0;
    }
    [[nodiscard]] uint32_t word32(unsigned n) const {
        return words_[n].load(std::memory_order_acquire);
    }
    [[nodiscard]] std::optional<uint8_t> highest() const;
    void clear_all();

  private:
    static constexpr uint32_t bit(uint8_t vector) { return uint32_t{1} << (vector % 32); }
    std::atomic<uint32_t>& word(uint8_t vector) { return words_[vector / 32]; }
    std::array<std::atomic<uint32_t>, 8> words_{};
};

class LocalApic {
  public:
    static constexpr GuestPaddr mmio_base{0xfee00000};
    static constexpr uint32_t apic_base_msr = 0x1b;
    static constexpr uint32_t first_x2apic_msr = 0x800;
    static constexpr uint32_t last_x2apic_msr = 0x8ff;

    // `x2apic_offered` as the domain's CPUID says; without it the x2APIC state cannot be entered.
    LocalApic(VcpuId vcpu, bool x2apic_offered);
    LocalApic(const LocalApic&) = delete;
    LocalApic& operator=(const LocalApic&) = delete;

    // Distance 2, so that ids look like those of CPUs whose second thread is absent, as on Xen.
    static constexpr uint32_t id_of(VcpuId vcpu) { return vcpu.value() * 2; }
    [[nodiscard]] uint32_t id() const { return id_; }
    [[nodiscard]] ApicMode mode() const { return mode_.load(std::memory_order_relaxed); }
    // Whether the page at mmio_base is this APIC; if not, nothing is there.
    [[nodiscard]] bool is_mapped() const { return mode() == ApicMode::XApic; }

    // An INIT message: every register but the id and APIC_BASE returns to its reset value.
    void init();

    [[nodiscard]] uint64_t apic_base() const;
    Result<LapicEffect, MsrFault> set_apic_base(uint64_t value);

    // A 32-bit access at an offset below 4096; smaller and unaligned ones are undefined by the
    // manuals and read as 0 here. Unless is_mapped(), reads give all ones and writes are lost.
    uint32_t mmio_read(uint32_t offset, uint64_t now_ns);
    LapicEffect mmio_write(uint32_t offset, uint32_t value, uint64_t now_ns);

    // MSRs 0x800 to 0x8ff.
    Result<uint64_t, MsrFault> msr_read(uint32_t msr, uint64_t now_ns);
    Result<LapicEffect, MsrFault> msr_write(uint32_t msr, uint64_t value, uint64_t now_ns);

    // A fixed interrupt from anywhere. True if it was not pending before: wake or kick the vCPU.
    bool accept(uint8_t vector, Trigger trigger = Trigger::Edge);
    [[nodiscard]] ApicAddress address() const;
    // Any interrupt requested, deliverable or not, or a timer noted as due.
    [[nodiscard]] bool has_pending() const {
        return timer_due_.load(std::memory_order_acquire) || irr_.highest().has_value();
    }

    // The interrupt the processor would take next, priorities considered, EFLAGS.IF not.
    [[nodiscard]] std::optional<uint8_t> highest_deliverable() const;
    // Whether the task priority alone keeps one back, as MOV to CR8 may end at any time.
    [[nodiscard]] bool is_kept_back() const;
    // The processor has taken `vector`.
    void begin_service(uint8_t vector);
    // End of the interrupt in service; the vector if the IO-APICs wait for it.
    std::optional<uint8_t> eoi();

    // CR8 is bits 7:4 of the task priority: to the VMCB before entry, back from it after exit.
    [[nodiscard]] uint8_t cr8() const { return static_cast<uint8_t>(tpr_ >> 4); }
    void set_cr8(uint8_t cr8);

    // When expire() has to be called; none while no timer interrupt is due.
    [[nodiscard]] std::optional<uint64_t> deadline_ns() const;
    void expire(uint64_t now_ns);
    // For whoever watches the clock: the deadline has come. The vCPU may be running elsewhere, and
    // its registers are its own; it asks take_timer_due() before it runs, then expires the timer.
    void note_timer_due() { timer_due_.store(true, std::memory_order_release); }
    bool take_timer_due() {
        return timer_due_.load(std::memory_order_relaxed) &&
               timer_due_.exchange(false, std::memory_order_acq_rel);
    }

  private:
    // In the order of their registers, 0x320 to 0x370.
    enum class Lvt : uint8_t { Timer, Thermal, Performance, Lint0, Lint1, Error };
    static constexpr size_t lvt_count = 6;

    [[nodiscard]] uint8_t ppr() const;
    // Registers by number: offset / 16, or MSR - 0x800. Defined in lapic_registers.cpp.
    [[nodiscard]] uint32_t read(unsigned reg, uint64_t now_ns) const;
    LapicEffect write(unsigned reg, uint32_t value, uint64_t now_ns);
    void write_svr(uint32_t value);
    void write_lvt(Lvt entry, uint32_t value);
    LapicEffect send();
    [[nodiscard]] uint32_t lvt(Lvt entry) const;
    void set_lvt(Lvt entry, uint32_t value);
    // Both true if an interrupt became pending.
    bool raise(Lvt entry);
    bool report_error(uint32_t esr_bit);
    void set_mode(ApicMode mode);
    void reset_registers();

    const uint32_t id_;
    const bool is_boot_vcpu_;
    const bool x2apic_offered_;
    std::atomic<ApicMode> mode_{ApicMode::XApic};
    std::atomic<bool> software_enabled_{false};
    std::atomic<bool> timer_due_{false};
    std::atomic<uint32_t> ldr_{0};
    std::atomic<uint32_t> dfr_{0};
    std::atomic<uint32_t> pending_errors_{0};  // become visible in ESR when it is written
    std::array<std::atomic<uint32_t>, lvt_count> lvt_{};
    VectorBits irr_;
    VectorBits tmr_;
    VectorBits isr_;  // only the vCPU's own CPU changes it
    LapicTimer timer_;
    uint64_t icr_ = 0;
    uint32_t esr_ = 0;
    uint32_t svr_ = 0;
    uint8_t tpr_ = 0;
};

}  // namespace hv::hvm
