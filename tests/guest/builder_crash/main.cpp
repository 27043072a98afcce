// SPDX-License-Identifier: Apache-2.0
// A domB that fails in *prepare*, at the point that its image says: the test of what hv does then
// writes two digits behind the marker below. Used in place of domb.bin.
//     00 before it asks for anything         06 all domains ready, measured nothing, caps
//     01 with its launch info                07 caps while a domain is undecided
//     02 within a TPM command                08 all domains ready, caps with a log cut short
//     03 an event in log and TPM             09 a triple fault, all domains ready
//     04 an event in the log alone           10 never ends, all domains ready
//     05 all domains ready
#include "domb/rt/main.hpp"

#include "domb/builder/tpm_events.hpp"
#include "domb/rt/address_space.hpp"
#include "domb/rt/hypercall.hpp"
#include "domb/rt/instructions.hpp"
#include "domb/rt/platform.hpp"
#include "hv/abi/launch_op.hpp"
#include "hv/base/text.hpp"

#include <array>
#include <span>
#include <string_view>

namespace {

using hv::abi::LaunchOp;
using rt::Hypercall;

constinit std::array step_marker{'G', 'A', 'N', 'T', 'R', 'Y', '-',
                                 'S', 'T', 'E', 'P', '=', '0', '1'};

// Volatile: what the compiler sees there is not what runs.
unsigned step() {
    const volatile char* digits = step_marker.data() + step_marker.size() - 2;
    return static_cast<unsigned>(digits[0] - '0') * 10 + static_cast<unsigned>(digits[1] - '0');
}

[[noreturn]] void crash() {
    rt::write("the builder crashes now\n");
    rt::shutdown(rt::ShutdownReason::SHUTDOWN_crash);
}

int64_t launch_op(LaunchOp op, const void* argument) {
    return rt::hypercall(Hypercall::arch_7, op, argument);
}

std::span<std::byte> memory_of(const hv::abi::LaunchRange& range) {
    return rt::bytes_of({range.gpaddr, range.bytes});
}

// Ids are consecutive, from 1 on.
void make_ready(uint16_t first, uint16_t last) {
    for (uint16_t domid = first; domid <= last; ++domid) {
        const hv::abi::LaunchVcpu vcpu{domid, 0x100000, 0, 0};
        const hv::abi::LaunchBuilt built{domid, hv::abi::LaunchOutcome::Ready, {}};
        if (launch_op(LaunchOp::SetVcpu, &vcpu) != 0 || launch_op(LaunchOp::Built, &built) != 0) {
            rt::write("a domain cannot be made ready\n");
        }
    }
}

void try_to_cap(uint64_t log_used, bool measured) {
    const hv::abi::LaunchCap argument{log_used, measured ? 1U : 0U, 0};
    const int64_t result = launch_op(LaunchOp::Cap, &argument);
    hv::TextOf<80> line;
    line.put("cap answers ").put(result < 0 ? "-" : "");
    rt::write(line.dec(static_cast<uint64_t>(result < 0 ? -result : result)).put("\n").view());
}

void start_a_command(const hv::abi::LaunchInfo& info) {
    builder::TisRegisters tis{memory_of(info.tpm)};
    const uint32_t locality = info.tpm_locality << 12;
    tis.write8(locality, 0x02);          // ACCESS: request use
    tis.write32(locality + 0x18, 0x40);  // STS: command ready
    for (const uint8_t byte : std::to_array<uint8_t>({0x80, 0x01, 0x00, 0x00, 0x00})) {
        tis.write8(locality + 0x24, byte);  // DATA_FIFO
    }
}

void add_event(const hv::abi::LaunchInfo& info, bool extend) {
    const measure::BankSet banks{info.banks};
    const measure::DigestSet digests = measure::hash(banks, std::string_view{"x"});
    const measure::Event event{hv::PcrIndex{12}, measure::EventType::EV_IPL, digests, {}};
    if (extend) {
        builder::TpmEvents events{memory_of(info.tpm), memory_of(info.log), info.log_used};
        if (!events.open(info.tpm_locality).ok() || !events.record(event).ok()) {
            rt::write("the event cannot be recorded\n");
        }
        return;  // without giving the TPM back
    }
    measure::LogWriter log{memory_of(info.log), info.log_used};
    if (!log.append(event).ok()) {
        rt::write("the event cannot be logged\n");
    }
}

}  // namespace

void rt::domain_main(uint64_t /*start_info*/) {
    constexpr uint16_t last_domid = 3;
    static constinit hv::abi::LaunchInfo info{};
    if (step() == 0) {
        crash();
    }
    launch_op(LaunchOp::GetInfo, &info);
    switch (step()) {
        case 1:
            crash();
        case 2:
            start_a_command(info);
            crash();
        case 3:
        case 4:
            add_event(info, step() == 3);
            crash();
        case 7:
            make_ready(1, last_domid - 1);
            try_to_cap(info.log_used, true);
            shutdown(ShutdownReason::SHUTDOWN_poweroff);
        default:
            make_ready(1, last_domid);
    }
    switch (step()) {
        case 5:
            crash();
        case 6:
            try_to_cap(info.log_used, false);
            break;
        case 8:
            try_to_cap(info.log_used - 1, true);
            break;
        case 9:
            write("the builder crashes now\n");
            load_idt({.limit = 0, .base = 0});
            // SAFETY: none: this must fault.
            asm volatile("ud2");
            break;
        default:
            write("the builder spins now\n");
            while (true) {
                asm volatile("pause");
            }
    }
    shutdown(ShutdownReason::SHUTDOWN_poweroff);
}
