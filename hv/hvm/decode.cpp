// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/decode.hpp"

#include "hv/base/reader.hpp"
#include "hv/hvm/decode_tables.hpp"

#include <algorithm>

namespace hv::hvm {
namespace {

using namespace decode_tables;

// One decoding, front to back. Each step consumes its bytes and fills its part of `out_`.
class Decoder {
  public:
    Decoder(std::span<const std::byte> bytes, CodeMode mode)
        : bytes_{bytes.first(std::min(bytes.size(), max_instruction_bytes))}, reader_{bytes_} {
        out_.mode = mode;
    }

    Result<Instruction, DecodeError> run() {
        uint8_t first = TRY(prefixes());
        set_sizes();
        const char form = TRY(opcode(first));
        TRY(operands(form));
        out_.length = static_cast<uint8_t>(bytes_.size() - reader_.left());
        return out_;
    }

  private:
    template <std::unsigned_integral T>
    Result<T, DecodeError> fetch() {
        auto value = reader_.read_le<T>();
        if (!value.ok()) {
            return Err{out_of_bytes()};
        }
        return value.take();
    }
    Result<int64_t, DecodeError> fetch_signed(unsigned size);
    [[nodiscard]] Result<uint8_t, DecodeError> peek() const {
        if (reader_.at_end()) {
            return Err{out_of_bytes()};
        }
        return static_cast<uint8_t>(bytes_[bytes_.size() - reader_.left()]);
    }
    [[nodiscard]] DecodeError out_of_bytes() const {
        return bytes_.size() == max_instruction_bytes ? DecodeError::Invalid
                                                      : DecodeError::Truncated;
    }
    [[nodiscard]] bool is_64bit() const { return out_.mode == CodeMode::Code64; }
    [[nodiscard]] unsigned imm_z() const { return out_.operand_size == 2 ? 2 : 4; }

    Result<uint8_t, DecodeError> prefixes();
    bool apply_prefix(uint8_t byte);
    void set_sizes();
    Result<char, DecodeError> opcode(uint8_t first);
    Result<char, DecodeError> opcode_0f();
    Result<std::optional<char>, DecodeError> extended_encoding(uint8_t first);
    Result<char, DecodeError> vex2();
    Result<char, DecodeError> vex3(Encoding encoding);
    Result<char, DecodeError> evex();
    Result<char, DecodeError> extended_opcode(unsigned map);

    Result<void, DecodeError> operands(char form);
    Result<void, DecodeError> modrm(bool names_registers);
    Result<void, DecodeError> memory16(uint8_t mod, uint8_t rm);
    Result<void, DecodeError> memory(uint8_t mod, uint8_t rm);
    Result<void, DecodeError> immediate(unsigned size);
    void set_memory(MemoryOperand operand, Segment default_segment);

    std::span<const std::byte> bytes_;
    Reader reader_;
    Instruction out_;
    std::optional<Segment> segment_;
    bool address_size_prefix_ = false;
    // The bits of REX or what stands for it, not inverted.
    bool rex_w_ = false, rex_r_ = false, rex_x_ = false, rex_b_ = false;
};

Result<int64_t, DecodeError> Decoder::fetch_signed(unsigned size) {
    switch (size) {
        case 1:
            return int64_t{static_cast<int8_t>(TRY(fetch<uint8_t>()))};
        case 2:
            return int64_t{static_cast<int16_t>(TRY(fetch<uint16_t>()))};
        case 4:
            return int64_t{static_cast<int32_t>(TRY(fetch<uint32_t>()))};
        default:
            return static_cast<int64_t>(TRY(fetch<uint64_t>()));
    }
}

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

Result<void, DecodeError> Decoder::operands(char form) {
    switch (form) {
        case Bare:
            return Ok{};
        case Modrm:
            return modrm(false);
        case ModrmReg:
            return modrm(true);
        case Imm8:
            return immediate(1);
        case ImmZ:
            return immediate(imm_z());
        case ImmV:
            return immediate(out_.operand_size);
        case Imm16:
            return immediate(2);
        case ModrmImm8:
            TRY(modrm(false));
            return immediate(1);
        case ModrmImmZ:
            TRY(modrm(false));
            return immediate(imm_z());
        case Group3Imm8:
        case Group3ImmZ:
            TRY(modrm(false));
            return out_.modrm->extension() < 2 ? immediate(form == Group3Imm8 ? 1 : imm_z()) : Ok{};
        case Moffs:
            set_memory({.displacement = TRY(fetch_signed(out_.address_size))}, Segment::Ds);
            return Ok{};
        case FarPointer:
            TRY(immediate(imm_z()));
            return immediate(2);
        case EnterImm:
            TRY(immediate(2));
            return immediate(1);
        case Sse4aImm:
            TRY(modrm(false));
            return out_.operand_size_prefix || out_.repeat == RepeatPrefix::Repne ? immediate(2)
                                                                                  : Ok{};
        default:
            return Err{DecodeError::Invalid};
    }
}

Result<void, DecodeError> Decoder::immediate(unsigned size) {
    const int64_t value = TRY(fetch_signed(size));
    if (out_.immediate_size == 0) {
        out_.immediate = value;
    }
    out_.immediate_size = static_cast<uint8_t>(out_.immediate_size + size);
    return Ok{};
}

Result<void, DecodeError> Decoder::modrm(bool names_registers) {
    const uint8_t byte = TRY(fetch<uint8_t>());
    const auto mod = static_cast<uint8_t>(byte >> 6);
    const auto rm = static_cast<uint8_t>(byte & 7);
    out_.modrm = ModRm{.mod = mod,
                       .reg = static_cast<uint8_t>(((byte >> 3) & 7) | (rex_r_ ? 8 : 0)),
                       .rm = static_cast<uint8_t>(rm | (rex_b_ ? 8 : 0))};
    if (mod == 3 || names_registers) {
        return Ok{};
    }
    return out_.address_size == 2 ? memory16(mod, rm) : memory(mod, rm);
}

// [apm3] table A-33.
Result<void, DecodeError> Decoder::memory16(uint8_t mod, uint8_t rm) {
    constexpr uint8_t bx = 3, bp = 5, si = 6, di = 7;
    constexpr uint8_t bases[] = {bx, bx, bp, bp, si, di, bp, bx};
    MemoryOperand operand{.base = bases[rm], .index = {}};
    if (rm < 4) {
        operand.index = rm % 2 == 0 ? si : di;
    }
    if (mod == 0 && rm == 6) {
        operand.base.reset();
    }
    const bool has_disp16 = mod == 2 || !operand.base;
    if (has_disp16 || mod == 1) {
        operand.displacement = TRY(fetch_signed(has_disp16 ? 2 : 1));
    }
    set_memory(operand, operand.base == bp ? Segment::Ss : Segment::Ds);
    return Ok{};
}

// [apm3] tables.
Result<void, DecodeError> Decoder::memory(uint8_t mod, uint8_t rm) {
    constexpr uint8_t sp = 4, bp = 5;
    MemoryOperand operand;
    bool has_base = !(mod == 0 && rm == bp);
    operand.rip_relative = !has_base && is_64bit();
    uint8_t base = rm;
    if (rm == sp) {
        const uint8_t sib = TRY(fetch<uint8_t>());
        const auto index = static_cast<uint8_t>(((sib >> 3) & 7) | (rex_x_ ? 8 : 0));
        if (index != sp) {
            operand.index = index;
            operand.scale = static_cast<uint8_t>(1U << (sib >> 6));
        }
        base = sib & 7;
        has_base = !(mod == 0 && base == bp);
    }
    if (has_base) {
        operand.base = static_cast<uint8_t>(base | (rex_b_ ? 8 : 0));
    }
    const bool has_disp32 = mod == 2 || !has_base;
    if (has_disp32 || mod == 1) {
        operand.displacement = TRY(fetch_signed(has_disp32 ? 4 : 1));
    }
    const bool on_stack = operand.base == sp || operand.base == bp;
    set_memory(operand, on_stack ? Segment::Ss : Segment::Ds);
    return Ok{};
}

void Decoder::set_memory(MemoryOperand operand, Segment default_segment) {
    operand.segment = segment_.value_or(default_segment);
    out_.memory = operand;
}

}  // namespace

Result<Instruction, DecodeError> decode(std::span<const std::byte> bytes, CodeMode mode) {
    return Decoder{bytes, mode}.run();
}

uint64_t effective_address(const Instruction& instruction, const MemoryOperand& operand,
                           std::span<const uint64_t, 16> registers, uint64_t next_rip) {
    auto address = static_cast<uint64_t>(operand.displacement);
    if (operand.base) {
        address += registers[*operand.base];
    }
    if (operand.index) {
        address += registers[*operand.index] * operand.scale;
    }
    if (operand.rip_relative) {
        address += next_rip;
    }
    if (instruction.address_size == 8) {
        return address;
    }
    return address & ((uint64_t{1} << (8 * instruction.address_size)) - 1);
}

}  // namespace hv::hvm
