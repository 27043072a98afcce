// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/traps.hpp"

#include "hv/pv/area.hpp"
#include "hv/pv/pv.hpp"
#include "hv/pv/stub.hpp"

#include <cstddef>
#include <cstring>

namespace hv::pv {

namespace {

constexpr unsigned vector_nmi = 2;
constexpr unsigned vector_double_fault = 8;
constexpr uint64_t stub_entry_bytes = 16;  // of stub_entries
// #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC, #SX: the stub finds an error code, [apm2] 8.2.
constexpr uint32_t vectors_with_error = 0x60227d00;

// An interrupt gate, [apm2] 4.8.3.
struct Gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t rsvd_0c;
};
static_assert(sizeof(Gate) == 16);

void set_gate(domain::Vcpu& v, unsigned vector, uint8_t dpl) {
    constexpr uint8_t present_interrupt_gate = 0x8e;
    const uint64_t target = stub_address(v, stub_offset(stub_entries) + vector * stub_entry_bytes);
    const Gate gate{.offset_low = static_cast<uint16_t>(target),
                    .selector = STUB_KERNEL_CS,
                    .ist = uint8_t{vector == vector_double_fault},
                    .type = static_cast<uint8_t>(present_interrupt_gate | dpl << 5),
                    .offset_middle = static_cast<uint16_t>(target >> 16),
                    .offset_high = static_cast<uint32_t>(target >> 32),
                    .rsvd_0c = 0};
    put(v.pv->idt, vector * sizeof(Gate), gate);
}

}  // namespace

void set_trap(domain::Vcpu& v, const abi::TrapInfo& trap) {
    abi::TrapInfo kept = trap;
    kept.rsvd_004 = 0;
    put(v.pv->traps, trap.vector * sizeof(kept), kept);
    // INT n of user space would bring none.
    const bool has_error = trap.vector < 32 && (vectors_with_error >> trap.vector & 1) != 0;
    const bool is_hvs = trap.vector == STUB_EVENT_VECTOR;
    set_gate(v, trap.vector, is_hvs || has_error ? 0 : trap.flags & abi::ti_dpl_mask);
}

void reset_traps(domain::Vcpu& v) {
    for (unsigned vector = 0; vector < 256; ++vector) {
        set_trap(v, {.vector = static_cast<uint8_t>(vector)});
    }
}

bool set_callback(domain::Vcpu& v, abi::CallbackType type, uint64_t address, bool masks) {
    uint64_t slot = 0;
    uint8_t mask_bit = 0;
    switch (type) {
        case abi::CallbackType::CALLBACKTYPE_event:
            slot = STUB_EVENT;
            v.upcall_vector = address == 0 ? 0 : STUB_EVENT_VECTOR;
            break;
        case abi::CallbackType::CALLBACKTYPE_failsafe:
            slot = STUB_FAILSAFE;
            mask_bit = STUB_MASKS_FAILSAFE;
            break;
        case abi::CallbackType::CALLBACKTYPE_syscall:
            slot = STUB_SYSCALL;
            mask_bit = STUB_MASKS_SYSCALL;
            break;
        case abi::CallbackType::CALLBACKTYPE_syscall32:
            slot = STUB_SYSCALL32;
            mask_bit = STUB_MASKS_SYSCALL32;
            break;
        case abi::CallbackType::CALLBACKTYPE_nmi:
            set_trap(v, {.vector = vector_nmi, .flags = abi::ti_if, .address = address});
            return true;
        case abi::CallbackType::CALLBACKTYPE_sysenter:
        case abi::CallbackType::CALLBACKTYPE_sysenter_deprecated:
            return true;  // no processor of ours has SYSENTER in long mode
        default:
            return false;
    }
    PvVcpu& pv = *v.pv;
    put(pv.data, slot, address);
    pv.masking_callbacks = masks ? pv.masking_callbacks | mask_bit
                                 : pv.masking_callbacks & static_cast<uint8_t>(~mask_bit);
    put(pv.data, STUB_MASKS_EVENTS, pv.masking_callbacks);
    return true;
}

}  // namespace hv::pv
