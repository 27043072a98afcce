// SPDX-License-Identifier: Apache-2.0
// The instruction decoder on arbitrary bytes: the first byte chooses the mode, up to 15 follow.
// Checks that the length agrees with Capstone's, that it fits the bytes given, and that every
// shorter input is Truncated rather than something else.
#include "hv/hvm/decode.hpp"

#include "hv/hvm/decode_access.hpp"
#include "hv/hvm/decode_exit.hpp"
#include "tests/fuzz/decode_reference.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace hv::hvm;

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "decode: %s\n", what);
    std::abort();
}

void check_prefixes_are_truncated(std::span<const std::byte> bytes, CodeMode mode) {
    for (size_t n = 0; n < bytes.size(); ++n) {
        const auto shorter = decode(bytes.first(n), mode);
        if (shorter.ok() || shorter.error() != DecodeError::Truncated) {
            fail("a part of an instruction is not Truncated");
        }
    }
}

void check_completion(const MemoryAccess& access, uint64_t memory) {
    std::array<uint64_t, 16> registers{};
    uint64_t rflags = 2;
    const Completion done = complete(access, {registers, rflags}, memory);
    if (done.store && access.size < 8 && *done.store >> (8 * access.size) != 0) {
        fail("a store is wider than its access");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static decode_reference::Reference reference;
    if (size == 0) {
        return 0;
    }
    const auto mode = static_cast<CodeMode>(data[0] % 3);
    const auto bytes = std::as_bytes(std::span{data + 1, size - 1});
    if (const auto wrong =
            reference.disagreement(bytes.first(std::min<size_t>(bytes.size(), 15)), mode)) {
        fail(wrong->c_str());
    }
    const auto decoded = decode(bytes, mode);
    if (!decoded.ok()) {
        return 0;
    }
    const size_t length = decoded.value().length;
    if (length == 0 || length > bytes.size() || length > max_instruction_bytes) {
        fail("the length does not fit the bytes");
    }
    check_prefixes_are_truncated(bytes.first(length), mode);
    if (const auto exit = decode_exit(bytes, mode);
        exit.ok() && exit.value().instruction.length != length) {
        fail("decode_exit has another length");
    }
    if (const auto move = decode_control_move(bytes, mode);
        move.ok() && move.value().length != length) {
        fail("decode_control_move has another length");
    }
    if (const auto access = decode_access(bytes, mode); access.ok()) {
        check_completion(access.value(), 0x8182838485868788);
    }
    return 0;
}
