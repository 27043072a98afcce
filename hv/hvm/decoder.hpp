// SPDX-License-Identifier: Apache-2.0
// The steps of decoding one instruction, shared by decode.cpp (prefixes, opcode) and
// decode_operands.cpp (what follows the opcode). For these two only.
#pragma once

#include "hv/base/reader.hpp"
#include "hv/hvm/decode.hpp"

#include <algorithm>
#include <concepts>
#include <optional>
#include <span>

namespace hv::hvm {

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

}  // namespace hv::hvm
