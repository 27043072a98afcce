// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/decode_reference.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>

namespace decode_reference {
namespace {

using namespace hv::hvm;

struct Disagreement {
    const Instruction& ours;
    unsigned their_length;
    bool operand_size_prefix_is_last;  // of the legacy prefixes
};

struct KnownDifference {
    const char* why;
    bool (*applies)(const Disagreement&);
};

bool is_0f(const Instruction& in, unsigned opcode) {
    return in.map == OpcodeMap::Escape0f && in.opcode == opcode;
}

// Lengths that differ although both decoded, with Capstone 4.0.2.
constexpr KnownDifference known_lengths[] = {
    {"UD0 and UD1 have a ModRM byte ([sdm2] UD); they raise #UD in any case",
     [](const Disagreement& d) { return is_0f(d.ours, 0xb9) || is_0f(d.ours, 0xff); }},
    {"0F 78 after 66 or F2 is EXTRQ or INSERTQ with two immediates ([apm4]), not VMREAD",
     [](const Disagreement& d) { return is_0f(d.ours, 0x78) && d.ours.immediate_size == 2; }},
    {"Capstone takes 67 for 66 before 0F 78 with REX, too: EXTRQ for VMREAD",
     [](const Disagreement& d) {
         return is_0f(d.ours, 0x78) && d.ours.address_size == 4 && d.ours.has_rex &&
                d.their_length == d.ours.length + 2U;
     }},
    {"RET has a 16-bit immediate whatever the operand size ([apm3] RET)",
     [](const Disagreement& d) {
         return d.ours.map == OpcodeMap::Primary && d.ours.opcode == 0xc2;
     }},
    {"Capstone heeds 66 for the size of an immediate only where it is the last prefix",
     [](const Disagreement& d) {
         const int difference = static_cast<int>(d.their_length) - d.ours.length;
         return d.ours.operand_size_prefix && !d.operand_size_prefix_is_last &&
                (difference == 2 || difference == -2);
     }},
    {"Capstone takes 67 for 66 before near branches with REX in 64-bit code",
     [](const Disagreement& d) {
         return d.ours.mode == CodeMode::Code64 && d.ours.address_size == 4 && d.ours.has_rex &&
                d.ours.map == OpcodeMap::Primary &&
                (d.ours.opcode == 0xe8 || d.ours.opcode == 0xe9);
     }},
    {"EVEX with embedded rounding: Capstone takes one byte too many (LLVM agrees with us)",
     [](const Disagreement& d) {
         return d.ours.encoding == Encoding::Evex && d.ours.modrm && d.ours.modrm->mod == 3 &&
                d.their_length == d.ours.length + 1U;
     }},
    {"EVEX with extended registers: Capstone misses some SIB and RIP-relative forms (LLVM does "
     "not)",
     [](const Disagreement& d) {
         const unsigned rm = d.ours.modrm ? d.ours.modrm->rm & 7U : 0;
         return d.ours.encoding == Encoding::Evex && d.ours.memory && (rm == 4 || rm == 5);
     }},
    {"XOP map A has 32-bit immediates in 16-bit code, too ([apm3] BEXTR)",
     [](const Disagreement& d) {
         return d.ours.map == OpcodeMap::XopA && d.ours.mode == CodeMode::Code16;
     }},
};

// What stands before the opcode.
struct Prefixes {
    size_t count = 0;
    uint8_t last_legacy = 0;
    bool ends_in_rex = false;
    bool forbids_vex = false;  // 66, F2, F3, LOCK, REX
};

Prefixes prefixes_of(std::span<const std::byte> bytes, CodeMode mode) {
    constexpr uint8_t segment_or_address[] = {0x67, 0x64, 0x65, 0x26, 0x2e, 0x36, 0x3e};
    constexpr uint8_t simd_or_lock[] = {0x66, 0xf2, 0xf3, 0xf0};
    Prefixes prefixes;
    for (const std::byte raw : bytes) {
        const auto b = static_cast<uint8_t>(raw);
        const bool is_rex = mode == CodeMode::Code64 && (b & 0xf0) == 0x40;
        const bool is_forbidden = std::ranges::count(simd_or_lock, b) != 0;
        if (!is_rex && !is_forbidden && std::ranges::count(segment_or_address, b) == 0) {
            break;
        }
        prefixes.forbids_vex |= is_forbidden || is_rex;
        // A REX prefix that another one follows is as meaningless as any other.
        prefixes.last_legacy = is_rex && !prefixes.ends_in_rex ? prefixes.last_legacy : b;
        prefixes.ends_in_rex = is_rex;
        ++prefixes.count;
    }
    return prefixes;
}

// Byte sequences Capstone accepts and the processor does not.
bool is_known_refusal(std::span<const std::byte> bytes, CodeMode mode) {
    const Prefixes prefixes = prefixes_of(bytes, mode);
    const auto byte = [&](size_t n) {
        return n < bytes.size() ? static_cast<uint8_t>(bytes[n]) : uint8_t{0};
    };
    const uint8_t first = byte(prefixes.count);
    const uint8_t second = byte(prefixes.count + 1);
    // 66, F2, F3, LOCK and REX before VEX, EVEX or XOP: #UD ([apm3] 1.1.3).
    const bool is_vex = first == 0xc4 || first == 0xc5 || first == 0x62 || first == 0x8f;
    if (is_vex && prefixes.forbids_vex) {
        return true;
    }
    // VIA's PadLock.
    return first == 0x0f && (second == 0xa6 || second == 0xa7);
}

std::string hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes) {
        char digits[4];
        std::snprintf(digits, sizeof digits, "%02x ", static_cast<unsigned>(b));
        text += digits;
    }
    return text;
}

}  // namespace

Reference::Reference() {
    constexpr cs_mode modes[] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    for (size_t n = 0; n < 3; ++n) {
        if (cs_open(CS_ARCH_X86, modes[n], &disassemblers_[n].handle) != CS_ERR_OK) {
            throw std::runtime_error{"Capstone does not support x86"};
        }
        disassemblers_[n].instruction = cs_malloc(disassemblers_[n].handle);
    }
}

Reference::~Reference() {
    for (Disassembler& d : disassemblers_) {
        cs_free(d.instruction, 1);
        cs_close(&d.handle);
    }
}

std::optional<std::string> Reference::disagreement(std::span<const std::byte> bytes,
                                                   CodeMode mode) {
    const Disassembler& theirs = disassemblers_[static_cast<size_t>(mode)];
    // SAFETY: std::byte and uint8_t are both character types in size and aliasing.
    const auto* code = reinterpret_cast<const uint8_t*>(bytes.data());
    size_t left = bytes.size();
    uint64_t address = 0x1000;
    if (!cs_disasm_iter(theirs.handle, &code, &left, &address, theirs.instruction)) {
        return std::nullopt;
    }
    const unsigned their_length = theirs.instruction->size;
    const auto what = [&] {
        return hex(bytes) + "in mode " + std::to_string(static_cast<int>(mode)) + ": Capstone " +
               std::to_string(their_length) + " (" + theirs.instruction->mnemonic + " " +
               theirs.instruction->op_str + ")";
    };
    // Padded, so that an instruction that is longer for us than for them can be told apart.
    std::array<std::byte, max_instruction_bytes> padded{};
    std::copy_n(bytes.begin(), std::min(bytes.size(), padded.size()), padded.begin());
    const auto ours = decode(padded, mode);
    if (!ours.ok() && prefixes_of(bytes, mode).count > 2) {
        // Where a known difference makes ours longer, it may exceed 15 bytes: with fewer prefixes
        // the two still have to agree.
        return disagreement(bytes.subspan(1), mode);
    }
    if (!ours.ok()) {
        return is_known_refusal(bytes, mode)
                   ? std::nullopt
                   : std::optional{what() + ", ours error " +
                                   std::to_string(static_cast<int>(ours.error()))};
    }
    if (ours.value().length == their_length) {
        ++agreements_;
        return std::nullopt;
    }
    const Disagreement both{ours.value(), their_length,
                            prefixes_of(bytes, mode).last_legacy == 0x66};
    for (const KnownDifference& known : known_lengths) {
        if (known.applies(both)) {
            return std::nullopt;
        }
    }
    return what() + ", ours " + std::to_string(ours.value().length);
}

}  // namespace decode_reference
