// SPDX-License-Identifier: Apache-2.0
// Messages between local APICs: the interrupt command register decoded, and the rule by which one
// APIC recognises itself as a destination. Pure values; LocalApic produces Ipi, the caller of
// LocalApic carries it to the other vCPUs of the domain.
#pragma once

#include <cstdint>
#include <optional>

namespace hv::hvm {

// [apm2] 16.5, [sdm3] 10.6.1: message type of the interrupt command register, bits 10:8.
enum class DeliveryMode : uint8_t {
    Fixed = 0,
    LowestPriority = 1,
    Smi = 2,
    RemoteRead = 3,
    Nmi = 4,
    Init = 5,
    StartUp = 6,
    ExternalInterrupt = 7,
};

// Destination shorthand, bits 19:18.
enum class Shorthand : uint8_t { None = 0, Self = 1, AllIncludingSelf = 2, AllExcludingSelf = 3 };

struct Ipi {
    DeliveryMode mode = DeliveryMode::Fixed;
    uint8_t vector = 0;  // of StartUp: the start page number
    Shorthand shorthand = Shorthand::None;
    bool logical = false;      // destination mode; meaningful without shorthand
    bool from_x2apic = false;  // the sender's mode gives the destination its width
    uint32_t destination = 0;  // meaningful without shorthand
    uint32_t sender = 0;       // APIC id of the sender, for the shorthands

    friend bool operator==(const Ipi&, const Ipi&) = default;
};

enum class ApicMode : uint8_t { Disabled, XApic, X2Apic };

// What of an APIC decides whether a message is for it.
struct ApicAddress {
    ApicMode mode = ApicMode::XApic;
    uint32_t id = 0;   // not shifted
    uint32_t ldr = 0;  // as the register reads: in xAPIC mode the logical id is in bits 31:24
    uint32_t dfr = 0;  // bits 31:28 all ones: flat model; all zeros: cluster model
};

// The message an ICR value stands for; none for those that have no effect here: INIT level
// de-assert, SMI, remote read, external interrupt.
std::optional<Ipi> decode_icr(uint64_t icr, ApicMode mode, uint32_t sender);

// Whether the APIC at `address` is a destination. For LowestPriority several APICs may match; the
// caller delivers to one of them.
bool is_destination(const Ipi& ipi, const ApicAddress& address);

// The logical destination register of x2APIC mode, which hardware derives from the id.
constexpr uint32_t x2apic_ldr(uint32_t id) {
    return ((id >> 4) << 16) | (uint32_t{1} << (id & 0xf));
}

}  // namespace hv::hvm
