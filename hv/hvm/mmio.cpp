// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/mmio.hpp"

#include "hv/base/text.hpp"
#include "hv/domain/domain.hpp"
#include "hv/hvm/decode_access.hpp"
#include "hv/hvm/fetch.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/hvm/lapic_effect.hpp"
#include "hv/hvm/outcome.hpp"
#include "hv/sched/sched.hpp"
#include "hv/svm/svm.hpp"

#include <span>

namespace hv::hvm {

namespace {

constexpr uint64_t error_present = 1 << 0;
constexpr uint64_t error_write = 1 << 1;
constexpr uint64_t error_fetch = 1 << 4;
constexpr uint64_t error_guest_walk = uint64_t{1} << 33;

uint64_t all_ones(unsigned bytes) {
    return bytes >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * bytes)) - 1;
}

bool is_lapic(const domain::Vcpu& v, GuestPaddr address) {
    return v.lapic->is_mapped() && to_gfn(address) == to_gfn(LocalApic::mmio_base);
}

uint64_t read(domain::Vcpu& v, GuestPaddr address, unsigned bytes) {
    if (is_lapic(v, address)) {
        return v.lapic->mmio_read(static_cast<uint32_t>(page_offset(address.value())),
                                  sched::now_ns());
    }
    return all_ones(bytes);
}

void write(domain::Vcpu& v, GuestPaddr address, uint64_t value) {
    if (is_lapic(v, address)) {
        apply(v, v.lapic->mmio_write(static_cast<uint32_t>(page_offset(address.value())),
                                     static_cast<uint32_t>(value), sched::now_ns()));
    }
}

void emulate(domain::Vcpu& v, GuestPaddr address, const MemoryAccess& access) {
    const uint64_t memory = access.reads_memory() ? read(v, address, access.size) : 0;
    // SAFETY: GuestRegisters is sixteen 64-bit registers in the encoding's order, asserted there.
    const std::span<uint64_t, 16> general{&v.registers.rax, 16};
    const Completion done = complete(access, {general, v.vmcb->save().rflags}, memory);
    if (done.store) {
        write(v, address, *done.store);
    }
    if (!done.repeat) {
        skip(v, access.instruction.length);
    }
}

// Whether the access is allowed by now: another vCPU has changed the mapping since.
bool is_allowed_now(const domain::Vcpu& v, GuestPaddr address, uint64_t error) {
    const auto mapping = v.domain->p2m.lookup(to_gfn(address));
    if (!mapping) {
        return false;
    }
    const bool may_write = mapping->access != mm::Access::ReadOnly;
    const bool may_execute = mapping->access == mm::Access::ReadWriteExecute;
    return (may_write || (error & error_write) == 0) && (may_execute || (error & error_fetch) == 0);
}

}  // namespace

void handle_nested_page_fault(domain::Vcpu& v, GuestPaddr address, uint64_t error) {
    if (is_allowed_now(v, address, error)) {
        return;
    }
    TextOf<100> text;
    if ((error & error_fetch) != 0) {
        text.put("executes memory that is not there or not executable, at ").hex(address.value());
        kill(v, text.view());
        return;
    }
    if ((error & error_guest_walk) != 0) {
        text.put("has page tables where no memory is, at ").hex(address.value());
        kill(v, text.view());
        return;
    }
    const Fetched code{v};
    const auto access = decode_access(code.bytes(), code.mode());
    if (access.ok()) {
        emulate(v, address, access.value());
        return;
    }
    if (access.error() == DecodeError::Unexpected) {
        return;  // the code has changed meanwhile: try again
    }
    text.put((error & error_present) != 0 ? "writes read-only memory"
                                          : "touches memory that is not there");
    text.put(" at ").hex(address.value()).put(" with an instruction nobody emulates");
    kill(v, text.view());
}

}  // namespace hv::hvm
