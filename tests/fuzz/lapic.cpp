// SPDX-License-Identifier: Apache-2.0
// A guest that does anything to its local APIC and its MSRs: the input is a sequence of register
// accesses, interrupts and passages of time. Checks what must hold whatever a guest does.
#include "hv/hvm/lapic.hpp"

#include "hv/base/reader.hpp"
#include "hv/hvm/msr.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace hv::hvm;

void require(bool condition, const char* what) {
    if (!condition) {
        std::fprintf(stderr, "lapic: %s\n", what);
        std::abort();
    }
}

constexpr std::array<uint32_t, 12> interesting_msrs = {
    0x10, 0x1b, 0x8b, 0xfe, 0x200, 0x201, 0x277, 0x2ff, 0xc0000080, 0xc0011029, 0x40000000, 0x830};

class Guest {
  public:
    // False at the end of the input.
    bool step(hv::Reader& input) {
        auto operation = input.read_le<uint8_t>();
        auto where = input.read_le<uint16_t>();
        auto value = input.read_le<uint32_t>();
        if (!operation.ok() || !where.ok() || !value.ok()) {
            return false;
        }
        act(operation.take(), where.take(), value.take());
        check();
        return true;
    }

  private:
    void act(uint8_t operation, uint16_t where, uint32_t value) {
        const uint64_t wide = (uint64_t{where} << 48) | value;
        switch (operation % 10) {
            case 0:
                apic_.mmio_read(where & 0xfff, view_.now_ns);
                return;
            case 1:
                apply(apic_.mmio_write(where & 0xff0, value, view_.now_ns));
                return;
            case 2:
                read(0x800 + (where & 0xff));
                return;
            case 3:
                write(0x800 + (where & 0xff), value);
                return;
            case 4:
                write(interesting_msrs[where % interesting_msrs.size()], value);
                return;
            case 5:
                write(interesting_msrs[where % interesting_msrs.size()], wide);
                return;
            case 6:
                read(where);
                return;
            case 7:
                apic_.accept(static_cast<uint8_t>(value),
                             value % 2 == 0 ? Trigger::Edge : Trigger::Level);
                return;
            case 8:
                view_.now_ns += value;
                apic_.expire(view_.now_ns);
                return;
            default:
                take_interrupt();
                return;
        }
    }
    void read(uint32_t msr) {
        if (auto value = msrs_.read(msr, view_, apic_); value.ok() && msr == 0xc0000080) {
            require((value.value() & 0x1000) == 0, "the guest sees EFER.SVME");
        }
    }
    void write(uint32_t msr, uint64_t value) {
        auto result = msrs_.write(msr, value, view_, apic_);
        if (!result.ok()) {
            return;
        }
        const MsrEffect effect = result.take();
        if (effect.efer) {
            require((*effect.efer & 0x1000) != 0, "EFER would lose SVME");
            require((*effect.efer & ~(view_.efer_bits | 0x1000)) == 0, "EFER gets a foreign bit");
            view_.efer = *effect.efer;
        }
        if (effect.pat) {
            require(is_legal_pat(*effect.pat), "PAT gets an illegal type");
        }
        apply(effect.lapic);
    }
    void apply(const LapicEffect& effect) {
        if (effect.ipi) {
            const bool has_vector = effect.ipi->mode == DeliveryMode::Fixed ||
                                    effect.ipi->mode == DeliveryMode::LowestPriority;
            require(!has_vector || effect.ipi->vector >= 16, "an illegal vector is sent");
            is_destination(*effect.ipi, apic_.address());
        }
    }
    void take_interrupt() {
        if (const auto vector = apic_.highest_deliverable()) {
            apic_.begin_service(*vector);
            require(apic_.highest_deliverable() != vector, "an interrupt is delivered twice");
        }
    }
    void check() {
        const auto vector = apic_.highest_deliverable();
        require(!vector || *vector >= 16, "an illegal vector is delivered");
        require(!vector || (*vector >> 4) > apic_.cr8(), "CR8 is ignored");
        apic_.expire(view_.now_ns);
        const auto deadline = apic_.deadline_ns();
        require(!deadline || *deadline > view_.now_ns, "a deadline is in the past");
        require(apic_.mode() != ApicMode::Disabled || !apic_.has_pending(),
                "a disabled APIC has interrupts");
        const bool is_page_there = (apic_.apic_base() & 0xc00) == 0x800;
        require(is_page_there == apic_.is_mapped(), "APIC_BASE and the page differ");
    }

    LocalApic apic_{hv::VcpuId{1}, true};
    Msrs msrs_{40};
    MsrView view_{.efer = 0x1000, .now_ns = 1, .efer_bits = 0x4d01};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Guest guest;
    hv::Reader input{std::as_bytes(std::span{data, size})};
    while (guest.step(input)) {
    }
    return 0;
}
