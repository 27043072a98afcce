// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/lapic_ipi.hpp"

#include "hv/base/fields.hpp"

namespace hv::hvm {
namespace {

struct Icr {  // [apm2] 16.5, [sdm3] 10.6.1 and 10.12.9
    using Raw = uint64_t;
    static constexpr Field<Icr, 7, 0, uint8_t> vector{};
    static constexpr Field<Icr, 10, 8, DeliveryMode> mode{};
    static constexpr Bit<Icr, 11> logical{};
    static constexpr Bit<Icr, 14> asserted{};
    static constexpr Bit<Icr, 15> level_triggered{};
    static constexpr Field<Icr, 19, 18, Shorthand> shorthand{};
    static constexpr Field<Icr, 63, 56, uint32_t> xapic_destination{};
    static constexpr Field<Icr, 63, 32, uint32_t> x2apic_destination{};
};

bool has_effect(Register<Icr> icr) {
    // [sdm3] table 10-3: a CPU sends itself nothing but fixed interrupts by shorthand.
    const bool to_self = icr.get(Icr::shorthand) == Shorthand::Self ||
                         icr.get(Icr::shorthand) == Shorthand::AllIncludingSelf;
    if (to_self && icr.get(Icr::mode) != DeliveryMode::Fixed) {
        return false;
    }
    switch (icr.get(Icr::mode)) {
        case DeliveryMode::Fixed:
        case DeliveryMode::LowestPriority:
        case DeliveryMode::Nmi:
        case DeliveryMode::StartUp:
            return true;
        case DeliveryMode::Init:
            // Level de-assert only synchronised the arbitration ids of old buses.
            return icr.get(Icr::asserted) || !icr.get(Icr::level_triggered);
        case DeliveryMode::Smi:
        case DeliveryMode::RemoteRead:
        case DeliveryMode::ExternalInterrupt:
            return false;
    }
    return false;
}

bool is_logical_destination(uint32_t destination, const ApicAddress& address) {
    if (address.mode == ApicMode::X2Apic) {
        return (destination >> 16) == (address.ldr >> 16) &&
               (destination & address.ldr & 0xffff) != 0;
    }
    const uint32_t logical_id = address.ldr >> 24;
    if (destination > 0xff) {
        return false;
    }
    if (address.dfr >> 28 == 0xf) {
        return (destination & logical_id) != 0;
    }
    const uint32_t cluster = destination >> 4;
    return (cluster == 0xf || cluster == logical_id >> 4) && (destination & logical_id & 0xf) != 0;
}

}  // namespace

std::optional<Ipi> decode_icr(uint64_t raw, ApicMode mode, uint32_t sender) {
    const Register<Icr> icr{raw};
    if (!has_effect(icr)) {
        return std::nullopt;
    }
    const bool x2apic = mode == ApicMode::X2Apic;
    return Ipi{
        .mode = icr.get(Icr::mode),
        .vector = icr.get(Icr::vector),
        .shorthand = icr.get(Icr::shorthand),
        .logical = icr.get(Icr::logical),
        .from_x2apic = x2apic,
        .destination = x2apic ? icr.get(Icr::x2apic_destination) : icr.get(Icr::xapic_destination),
        .sender = sender,
    };
}

bool is_destination(const Ipi& ipi, const ApicAddress& address) {
    if (address.mode == ApicMode::Disabled) {
        return false;
    }
    switch (ipi.shorthand) {
        case Shorthand::Self:
            return address.id == ipi.sender;
        case Shorthand::AllIncludingSelf:
            return true;
        case Shorthand::AllExcludingSelf:
            return address.id != ipi.sender;
        case Shorthand::None:
            break;
    }
    const uint32_t broadcast = ipi.from_x2apic ? 0xffffffff : 0xff;
    if (ipi.destination == broadcast) {
        return true;
    }
    return ipi.logical ? is_logical_destination(ipi.destination, address)
                       : ipi.destination == address.id;
}

}  // namespace hv::hvm
