// SPDX-License-Identifier: Apache-2.0
// Prefixes and opcode: which table, and with which sizes.
#include "hv/hvm/decode.hpp"

#include "hv/hvm/decode_tables.hpp"
#include "hv/hvm/decoder.hpp"

#include <algorithm>

namespace hv::hvm {

using namespace decode_tables;

bool Decoder::apply_prefix(uint8_t byte) {
    switch (byte) {
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
            // ES, CS, SS, DS; their bases are zero in 64-bit code, where they are ignored.
            if (!is_64bit()) {
                segment_ = static_cast<Segment>((byte >> 3) & 3);
            }
            return true;
        case 0x64:
            segment_ = Segment::Fs;
            return true;
        case 0x65:
            segment_ = Segment::Gs;
            return true;
        case 0x66:
            out_.operand_size_prefix = true;
            return true;
        case 0x67:
            address_size_prefix_ = true;
            return true;
        case 0xf0:
            out_.lock = true;
            return true;
        case 0xf2:
            out_.repeat = RepeatPrefix::Repne;
            return true;
        case 0xf3:
            out_.repeat = RepeatPrefix::Rep;
            return true;
        default:
            return false;
    }
}

// [apm3] 1.2.7: a REX prefix counts only directly before the opcode.
Result<uint8_t, DecodeError> Decoder::prefixes() {
    uint8_t rex = 0;
    for (;;) {
        const uint8_t byte = TRY(fetch<uint8_t>());
        if (apply_prefix(byte)) {
            rex = 0;
        } else if (is_64bit() && (byte & 0xf0) == 0x40) {
            rex = byte;
        } else {
            out_.has_rex = rex != 0;
            rex_w_ = (rex & 8) != 0;
            rex_r_ = (rex & 4) != 0;
            rex_x_ = (rex & 2) != 0;
            rex_b_ = (rex & 1) != 0;
            return byte;
        }
    }
}

void Decoder::set_sizes() {
    switch (out_.mode) {
        case CodeMode::Code16:
            out_.operand_size = out_.operand_size_prefix ? 4 : 2;
            out_.address_size = address_size_prefix_ ? 4 : 2;
            return;
        case CodeMode::Code32:
            out_.operand_size = out_.operand_size_prefix ? 2 : 4;
            out_.address_size = address_size_prefix_ ? 2 : 4;
            return;
        case CodeMode::Code64:
            out_.operand_size = rex_w_ ? 8 : out_.operand_size_prefix ? 2 : 4;
            out_.address_size = address_size_prefix_ ? 4 : 8;
            return;
    }
}

Result<char, DecodeError> Decoder::opcode(uint8_t first) {
    if (first == 0x0f) {
        return opcode_0f();
    }
    if (const auto form = TRY(extended_encoding(first))) {
        return *form;
    }
    out_.opcode = first;
    const auto is_first = [first](char c) { return static_cast<uint8_t>(c) == first; };
    if (is_64bit() && std::any_of(not_in_64bit.begin(), not_in_64bit.end(), is_first)) {
        return Err{DecodeError::Invalid};
    }
    return primary[first];
}

Result<char, DecodeError> Decoder::opcode_0f() {
    out_.map = OpcodeMap::Escape0f;
    out_.opcode = TRY(fetch<uint8_t>());
    if (out_.opcode == 0x38 || out_.opcode == 0x3a) {
        const bool is_38 = out_.opcode == 0x38;
        out_.map = is_38 ? OpcodeMap::Escape0f38 : OpcodeMap::Escape0f3a;
        out_.opcode = TRY(fetch<uint8_t>());
        return is_38 ? Modrm : ModrmImm8;
    }
    return escape_0f[out_.opcode];
}

// VEX, EVEX or XOP, if `first` starts one here: outside 64-bit code the bytes of the first three
// are also LES, LDS and BOUND, which have no register form, and XOP is POP with another extension.
Result<std::optional<char>, DecodeError> Decoder::extended_encoding(uint8_t first) {
    const bool is_vex_byte = first == 0xc4 || first == 0xc5 || first == 0x62;
    if (!is_vex_byte && first != 0x8f) {
        return std::optional<char>{};
    }
    const uint8_t next = TRY(peek());
    const bool starts = is_vex_byte ? is_64bit() || (next & 0xc0) == 0xc0 : (next & 0x1f) >= 8;
    if (!starts) {
        return std::optional<char>{};
    }
    // [apm3] 1.1.3: none of these before them.
    if (out_.has_rex || out_.lock || out_.operand_size_prefix ||
        out_.repeat != RepeatPrefix::None) {
        return Err{DecodeError::Invalid};
    }
    switch (first) {
        case 0xc5:
            return std::optional{TRY(vex2())};
        case 0x62:
            return std::optional{TRY(evex())};
        default:
            return std::optional{TRY(vex3(first == 0xc4 ? Encoding::Vex : Encoding::Xop))};
    }
}

Result<char, DecodeError> Decoder::vex2() {
    out_.encoding = Encoding::Vex;
    const uint8_t payload = TRY(fetch<uint8_t>());
    rex_r_ = is_64bit() && (payload & 0x80) == 0;
    return extended_opcode(1);
}

Result<char, DecodeError> Decoder::vex3(Encoding encoding) {
    out_.encoding = encoding;
    const uint8_t payload1 = TRY(fetch<uint8_t>());
    const uint8_t payload2 = TRY(fetch<uint8_t>());
    rex_r_ = is_64bit() && (payload1 & 0x80) == 0;
    rex_x_ = is_64bit() && (payload1 & 0x40) == 0;
    rex_b_ = is_64bit() && (payload1 & 0x20) == 0;
    rex_w_ = is_64bit() && (payload2 & 0x80) != 0;
    return extended_opcode(payload1 & 0x1f);
}

Result<char, DecodeError> Decoder::evex() {
    out_.encoding = Encoding::Evex;
    const uint8_t payload0 = TRY(fetch<uint8_t>());
    const uint8_t payload1 = TRY(fetch<uint8_t>());
    TRY(fetch<uint8_t>());
    if ((payload0 & 0x08) != 0 || (payload1 & 0x04) == 0) {
        return Err{DecodeError::Invalid};
    }
    rex_r_ = is_64bit() && (payload0 & 0x80) == 0;
    rex_x_ = is_64bit() && (payload0 & 0x40) == 0;
    rex_b_ = is_64bit() && (payload0 & 0x20) == 0;
    rex_w_ = is_64bit() && (payload1 & 0x80) != 0;
    return extended_opcode(payload0 & 0x07);
}

Result<char, DecodeError> Decoder::extended_opcode(unsigned map) {
    out_.map = static_cast<OpcodeMap>(map);
    out_.opcode = TRY(fetch<uint8_t>());
    const bool is_xop = out_.encoding == Encoding::Xop;
    const bool is_evex = out_.encoding == Encoding::Evex;
    switch (map) {
        case 1: {
            const char form = escape_0f[out_.opcode];
            if (form == Sse4aImm) {
                return Modrm;
            }
            const bool is_vzeroupper = out_.opcode == 0x77 && !is_evex;
            if (form == Modrm || form == ModrmImm8 || is_vzeroupper) {
                return form;
            }
            return Err{DecodeError::Invalid};
        }
        case 2:
            return Modrm;
        case 3:
            return ModrmImm8;
        case 5:
        case 6:
            return is_evex ? Result<char, DecodeError>{Modrm} : Err{DecodeError::Invalid};
        case 8:
            return is_xop ? Result<char, DecodeError>{ModrmImm8} : Err{DecodeError::Invalid};
        case 9:
            return is_xop ? Result<char, DecodeError>{Modrm} : Err{DecodeError::Invalid};
        case 10:
            // Four bytes whatever the operand size.
            out_.operand_size = 4;
            return is_xop ? Result<char, DecodeError>{ModrmImmZ} : Err{DecodeError::Invalid};
        default:
            return Err{DecodeError::Invalid};
    }
}

Result<Instruction, DecodeError> decode(std::span<const std::byte> bytes, CodeMode mode) {
    return Decoder{bytes, mode}.run();
}

}  // namespace hv::hvm
