// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/lapic.hpp"

#include "hv/base/fields.hpp"
#include "hv/hvm/lapic_fields.hpp"

#include <bit>

namespace hv::hvm {
namespace {

struct ApicBase {  // [apm2] 16.3.1, 16.9; [sdm3] 10.4.4, 10.12.1
    using Raw = uint64_t;
    static constexpr Bit<ApicBase, 8> bsc{};
    static constexpr Bit<ApicBase, 10> extd{};
    static constexpr Bit<ApicBase, 11> ae{};
    static constexpr uint64_t flags =
        decltype(bsc)::mask | decltype(extd)::mask | decltype(ae)::mask;
};

// EXTD without AE is reserved.
std::optional<ApicMode> mode_of(Register<ApicBase> base) {
    if (base.get(ApicBase::ae)) {
        return base.get(ApicBase::extd) ? ApicMode::X2Apic : ApicMode::XApic;
    }
    return base.get(ApicBase::extd) ? std::nullopt : std::optional{ApicMode::Disabled};
}

// [sdm3] figure 10-27: x2APIC is entered from xAPIC only and left by disabling only.
bool is_legal_transition(ApicMode from, ApicMode to) {
    return from == to || to == ApicMode::Disabled ||
           (to == ApicMode::XApic && from == ApicMode::Disabled) ||
           (to == ApicMode::X2Apic && from == ApicMode::XApic);
}

}  // namespace

std::optional<uint8_t> VectorBits::highest() const {
    for (unsigned n = 8; n-- > 0;) {
        if (const uint32_t bits = word32(n); bits != 0) {
            return static_cast<uint8_t>(32 * n + 31 -
                                        static_cast<unsigned>(std::countl_zero(bits)));
        }
    }
    return std::nullopt;
}

void VectorBits::clear_all() {
    for (auto& word : words_) {
        word.store(0, std::memory_order_relaxed);
    }
}

LocalApic::LocalApic(VcpuId vcpu, bool x2apic_offered)
    : id_{id_of(vcpu)}, is_boot_vcpu_{vcpu.value() == 0}, x2apic_offered_{x2apic_offered} {
    reset_registers();
}

void LocalApic::init() {
    reset_registers();
}

void LocalApic::reset_registers() {
    software_enabled_.store(false, std::memory_order_relaxed);
    irr_.clear_all();
    tmr_.clear_all();
    isr_.clear_all();
    for (auto& entry : lvt_) {
        entry.store(LvtBits::mask, std::memory_order_relaxed);
    }
    ldr_.store(mode() == ApicMode::X2Apic ? x2apic_ldr(id_) : 0, std::memory_order_relaxed);
    dfr_.store(0xffffffff, std::memory_order_relaxed);
    pending_errors_.store(0, std::memory_order_relaxed);
    timer_due_.store(false, std::memory_order_relaxed);
    timer_ = LapicTimer{};
    icr_ = 0;
    esr_ = 0;
    svr_ = 0xff;
    tpr_ = 0;
}

uint64_t LocalApic::apic_base() const {
    return Register<ApicBase>{mmio_base.value()}
        .with(ApicBase::bsc, is_boot_vcpu_)
        .with(ApicBase::ae, mode() != ApicMode::Disabled)
        .with(ApicBase::extd, mode() == ApicMode::X2Apic)
        .raw();
}

Result<LapicEffect, MsrFault> LocalApic::set_apic_base(uint64_t value) {
    const auto next = mode_of(Register<ApicBase>{value});
    const bool may_be_x2apic = x2apic_offered_ || next != ApicMode::X2Apic;
    // BSC is read-only and ignored; the page stays where the guest's memory map has it.
    if ((value & ~ApicBase::flags) != mmio_base.value() || !next || !may_be_x2apic ||
        !is_legal_transition(mode(), *next)) {
        return Err{MsrFault::GeneralProtection};
    }
    if (*next == mode()) {
        return LapicEffect{};
    }
    set_mode(*next);
    return LapicEffect{.timer_changed = true};
}

void LocalApic::set_mode(ApicMode mode) {
    mode_.store(mode, std::memory_order_relaxed);
    if (mode == ApicMode::Disabled) {
        reset_registers();
    } else if (mode == ApicMode::X2Apic) {
        ldr_.store(x2apic_ldr(id_), std::memory_order_relaxed);
        icr_ &= 0xffffffff;
    }
}

bool LocalApic::accept(uint8_t vector, Trigger trigger) {
    if (!software_enabled_.load(std::memory_order_relaxed)) {
        return false;
    }
    if (vector < first_legal_vector) {
        return report_error(EsrBits::receive_illegal_vector);
    }
    // The trigger mode goes first: it is looked at once the interrupt is in service.
    if (trigger == Trigger::Level) {
        tmr_.set(vector);
    } else {
        tmr_.clear(vector);
    }
    return irr_.set(vector);
}

ApicAddress LocalApic::address() const {
    return {.mode = mode(),
            .id = id_,
            .ldr = ldr_.load(std::memory_order_relaxed),
            .dfr = dfr_.load(std::memory_order_relaxed)};
}

// [apm2] 16.6.4, [sdm3] 10.8.3.1: the higher of the task's class and the class in service.
uint8_t LocalApic::ppr() const {
    const uint8_t in_service = isr_.highest().value_or(0);
    return (tpr_ >> 4) >= (in_service >> 4) ? tpr_ : static_cast<uint8_t>(in_service & 0xf0);
}

std::optional<uint8_t> LocalApic::highest_deliverable() const {
    const auto requested = irr_.highest();
    return requested && (*requested >> 4) > (ppr() >> 4) ? requested : std::nullopt;
}

bool LocalApic::is_kept_back() const {
    const auto requested = irr_.highest();
    return requested && (*requested >> 4) > (isr_.highest().value_or(0) >> 4) &&
           (*requested >> 4) <= (tpr_ >> 4);
}

void LocalApic::begin_service(uint8_t vector) {
    irr_.clear(vector);
    isr_.set(vector);
}

std::optional<uint8_t> LocalApic::eoi() {
    const auto vector = isr_.highest();
    if (!vector) {
        return std::nullopt;
    }
    isr_.clear(*vector);
    return tmr_.test(*vector) ? vector : std::nullopt;
}

void LocalApic::set_cr8(uint8_t cr8) {
    // Bits 3:0 of the task priority survive unless the class really changed.
    if (cr8 != this->cr8()) {
        tpr_ = static_cast<uint8_t>(cr8 << 4);
    }
}

std::optional<uint64_t> LocalApic::deadline_ns() const {
    return (lvt(Lvt::Timer) & LvtBits::mask) != 0 ? std::nullopt : timer_.deadline_ns();
}

void LocalApic::expire(uint64_t now_ns) {
    if (timer_.expired(now_ns)) {
        raise(Lvt::Timer);
    }
}

uint32_t LocalApic::lvt(Lvt entry) const {
    return lvt_[static_cast<size_t>(entry)].load(std::memory_order_relaxed);
}

void LocalApic::set_lvt(Lvt entry, uint32_t value) {
    lvt_[static_cast<size_t>(entry)].store(value, std::memory_order_relaxed);
}

bool LocalApic::raise(Lvt entry) {
    const uint32_t value = lvt(entry);
    if ((value & LvtBits::mask) != 0) {
        return false;
    }
    const auto vector = static_cast<uint8_t>(value & LvtBits::vector);
    if (vector >= first_legal_vector) {
        tmr_.clear(vector);
        return irr_.set(vector);
    }
    // An error entry with an illegal vector would report itself for ever.
    return entry != Lvt::Error && report_error(EsrBits::receive_illegal_vector);
}

bool LocalApic::report_error(uint32_t esr_bit) {
    pending_errors_.fetch_or(esr_bit, std::memory_order_relaxed);
    return raise(Lvt::Error);
}

}  // namespace hv::hvm
