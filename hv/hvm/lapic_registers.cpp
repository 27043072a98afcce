// SPDX-License-Identifier: Apache-2.0
// The register file of LocalApic: which registers each mode has, and what reading and writing does.
#include "hv/hvm/lapic.hpp"
#include "hv/hvm/lapic_fields.hpp"

namespace hv::hvm {
namespace {

// Six LVT entries, version of the xAPIC generation; no extended space, no EOI broadcast
// suppression.
constexpr uint32_t version_register = 0x00050014;

constexpr uint64_t icr_writable = 0x000ccfff;       // low half, delivery status excluded
constexpr uint64_t icr_delivery_status = 1U << 12;  // reads as 0: messages never wait
constexpr uint32_t icr_high_writable = 0xff000000;

// Access rights of one register: in xAPIC mode, reserved accesses set an error bit; in x2APIC mode
// they fault, as do writes of bits that are not writable.
struct Rule {
    bool read, write;    // in xAPIC mode
    bool read2, write2;  // in x2APIC mode
    uint32_t writable = 0;
};

constexpr std::array<Rule, 64> make_rules() {
    constexpr Rule read_only{.read = true, .write = false, .read2 = true, .write2 = false};
    const auto both = [](uint32_t writable) { return Rule{true, true, true, true, writable}; };
    std::array<Rule, 64> rules{};
    rules[ApicReg::Id] = read_only;
    rules[ApicReg::Version] = read_only;
    rules[ApicReg::Tpr] = both(0xff);
    rules[ApicReg::Apr] = {true, false, false, false};
    rules[ApicReg::Ppr] = read_only;
    rules[ApicReg::Eoi] = {false, true, false, true};
    rules[ApicReg::Ldr] = {true, true, true, false, 0xff000000};
    rules[ApicReg::Dfr] = {true, true, false, false, 0xf0000000};
    rules[ApicReg::Svr] = both(0x3ff);
    for (unsigned reg = ApicReg::Isr; reg < ApicReg::Esr; ++reg) {
        rules[reg] = read_only;
    }
    rules[ApicReg::Esr] = both(0);
    rules[ApicReg::IcrLow] = both(static_cast<uint32_t>(icr_writable));
    rules[ApicReg::IcrHigh] = {true, true, false, false, icr_high_writable};
    constexpr uint32_t lvt_message = LvtBits::vector | LvtBits::message_type | LvtBits::mask;
    constexpr uint32_t lvt_pin = lvt_message | LvtBits::polarity | LvtBits::trigger_level;
    rules[ApicReg::LvtFirst] = both(LvtBits::vector | LvtBits::mask | LvtBits::periodic);
    rules[ApicReg::LvtFirst + 1] = both(lvt_message);
    rules[ApicReg::LvtFirst + 2] = both(lvt_message);
    rules[ApicReg::LvtFirst + 3] = both(lvt_pin);
    rules[ApicReg::LvtFirst + 4] = both(lvt_pin);
    rules[ApicReg::LvtLast] = both(LvtBits::vector | LvtBits::mask);
    rules[ApicReg::InitialCount] = both(0xffffffff);
    rules[ApicReg::CurrentCount] = read_only;
    rules[ApicReg::Divide] = both(0xb);
    rules[ApicReg::SelfIpi] = {false, false, false, true, 0xff};
    return rules;
}

constexpr std::array<Rule, 64> rules = make_rules();

const Rule& rule_of(uint32_t reg) {
    static constexpr Rule absent{};
    return reg < rules.size() ? rules[reg] : absent;
}

}  // namespace

uint32_t LocalApic::mmio_read(uint32_t offset, uint64_t now_ns) {
    if (!is_mapped()) {
        return 0xffffffff;
    }
    expire(now_ns);
    if (offset % 16 != 0) {
        return 0;
    }
    if (!rule_of(offset / 16).read) {
        report_error(EsrBits::illegal_register);
        return 0;
    }
    return read(offset / 16, now_ns);
}

LapicEffect LocalApic::mmio_write(uint32_t offset, uint32_t value, uint64_t now_ns) {
    if (!is_mapped()) {
        return {};
    }
    expire(now_ns);
    if (offset % 16 != 0) {
        return {};
    }
    const Rule& rule = rule_of(offset / 16);
    if (!rule.write) {
        // Writing a register that can only be read is without effect, and without error.
        if (!rule.read) {
            report_error(EsrBits::illegal_register);
        }
        return {};
    }
    return write(offset / 16, value & rule.writable, now_ns);
}

Result<uint64_t, MsrFault> LocalApic::msr_read(uint32_t msr, uint64_t now_ns) {
    const uint32_t reg = msr - first_x2apic_msr;
    if (mode() != ApicMode::X2Apic || !rule_of(reg).read2) {
        return Err{MsrFault::GeneralProtection};
    }
    expire(now_ns);
    return reg == ApicReg::IcrLow ? icr_ : uint64_t{read(reg, now_ns)};
}

Result<LapicEffect, MsrFault> LocalApic::msr_write(uint32_t msr, uint64_t value, uint64_t now_ns) {
    const uint32_t reg = msr - first_x2apic_msr;
    const Rule& rule = rule_of(reg);
    uint64_t writable = rule.writable;
    if (reg == ApicReg::IcrLow) {
        // Not in the manual any more, but ignored by processors.
        value &= ~icr_delivery_status;
        writable |= uint64_t{0xffffffff} << 32;
    }
    if (mode() != ApicMode::X2Apic || !rule.write2 || (value & ~writable) != 0) {
        return Err{MsrFault::GeneralProtection};
    }
    expire(now_ns);
    if (reg == ApicReg::IcrLow) {
        icr_ = value;
        return send();
    }
    return write(reg, static_cast<uint32_t>(value), now_ns);
}

uint32_t LocalApic::read(unsigned reg, uint64_t now_ns) const {
    if (reg >= ApicReg::Isr && reg < ApicReg::Esr) {
        const VectorBits& bits = reg < ApicReg::Tmr ? isr_ : reg < ApicReg::Irr ? tmr_ : irr_;
        return bits.word32(reg % 8);
    }
    if (reg >= ApicReg::LvtFirst && reg <= ApicReg::LvtLast) {
        return lvt(static_cast<Lvt>(reg - ApicReg::LvtFirst));
    }
    switch (reg) {
        case ApicReg::Id:
            return mode() == ApicMode::X2Apic ? id_ : id_ << 24;
        case ApicReg::Version:
            return version_register;
        case ApicReg::Tpr:
            return tpr_;
        case ApicReg::Ppr:
            return ppr();
        case ApicReg::Ldr:
            return ldr_.load(std::memory_order_relaxed);
        case ApicReg::Dfr:
            return dfr_.load(std::memory_order_relaxed);
        case ApicReg::Svr:
            return svr_;
        case ApicReg::Esr:
            return esr_;
        case ApicReg::IcrLow:
            return static_cast<uint32_t>(icr_);
        case ApicReg::IcrHigh:
            return static_cast<uint32_t>(icr_ >> 32);
        case ApicReg::InitialCount:
            return timer_.initial_count();
        case ApicReg::CurrentCount:
            return timer_.current_count(now_ns);
        case ApicReg::Divide:
            return timer_.divide_configuration();
        default:
            return 0;  // the arbitration priority, of buses long gone
    }
}

LapicEffect LocalApic::write(unsigned reg, uint32_t value, uint64_t now_ns) {
    if (reg >= ApicReg::LvtFirst && reg <= ApicReg::LvtLast) {
        write_lvt(static_cast<Lvt>(reg - ApicReg::LvtFirst), value);
        return {.timer_changed = reg == ApicReg::LvtFirst};
    }
    switch (reg) {
        case ApicReg::Tpr:
            tpr_ = static_cast<uint8_t>(value);
            return {};
        case ApicReg::Eoi:
            return {.level_eoi_vector = eoi()};
        case ApicReg::Ldr:
            ldr_.store(value, std::memory_order_relaxed);
            return {};
        case ApicReg::Dfr:
            dfr_.store(value | 0x0fffffff, std::memory_order_relaxed);
            return {};
        case ApicReg::Svr:
            write_svr(value);
            return {.timer_changed = true};
        case ApicReg::Esr:
            esr_ = pending_errors_.exchange(0, std::memory_order_relaxed);
            return {};
        case ApicReg::IcrLow:
            icr_ = (icr_ & (uint64_t{0xffffffff} << 32)) | value;
            return send();
        case ApicReg::IcrHigh:
            icr_ = (uint64_t{value} << 32) | (icr_ & 0xffffffff);
            return {};
        case ApicReg::InitialCount:
            timer_.start(value, now_ns);
            return {.timer_changed = true};
        case ApicReg::Divide:
            timer_.set_divide(value, now_ns);
            return {.timer_changed = true};
        case ApicReg::SelfIpi:
            if (value < first_legal_vector) {
                report_error(EsrBits::send_illegal_vector);
            } else {
                accept(static_cast<uint8_t>(value));
            }
            return {};
        default:
            return {};
    }
}

// [apm2] 16.4, [sdm3] 10.4.7.2: without the software enable bit every LVT entry is masked.
void LocalApic::write_svr(uint32_t value) {
    svr_ = value;
    const bool enabled = (value & 0x100) != 0;
    if (!enabled) {
        for (auto& entry : lvt_) {
            entry.fetch_or(LvtBits::mask, std::memory_order_relaxed);
        }
    }
    software_enabled_.store(enabled, std::memory_order_relaxed);
}

void LocalApic::write_lvt(Lvt entry, uint32_t value) {
    if (!software_enabled_.load(std::memory_order_relaxed)) {
        value |= LvtBits::mask;
    }
    set_lvt(entry, value);
    if (entry == Lvt::Timer) {
        timer_.set_periodic((value & LvtBits::periodic) != 0);
    }
}

LapicEffect LocalApic::send() {
    const auto ipi = decode_icr(icr_, mode(), id_);
    if (!ipi) {
        return {};
    }
    const bool has_vector =
        ipi->mode == DeliveryMode::Fixed || ipi->mode == DeliveryMode::LowestPriority;
    if (has_vector && ipi->vector < first_legal_vector) {
        report_error(EsrBits::send_illegal_vector);
        return {};
    }
    if (ipi->shorthand == Shorthand::Self) {
        accept(ipi->vector);
        return {};
    }
    return {.ipi = ipi};
}

}  // namespace hv::hvm
