// SPDX-License-Identifier: Apache-2.0
// The memory functions that compilers and std headers call from freestanding code. General
// registers only, so 8 bytes are the widest. The unrolled loop copies 1.1 GB/s on the emulated
// machine, where rep movsq does 0.2 and rep movsb 0.03: it runs string instructions one element at
// a time. Must be compiled with -fno-tree-loop-distribute-patterns, or memcpy calls itself.
#include <cstddef>
#include <cstdint>

extern "C" {
void* memcpy(void* to, const void* from, size_t n);
void* memmove(void* to, const void* from, size_t n);
void* memset(void* to, int value, size_t n);
int memcmp(const void* a, const void* b, size_t n);
size_t strlen(const char* s);
}

namespace {

// Any address, any type: exactly what memcpy promises.
struct [[gnu::packed, gnu::may_alias]] Word {
    uint64_t value;
};
struct Turn {
    Word words[8];
};

}  // namespace

void* memcpy(void* to, const void* from, size_t n) {
    auto* out = static_cast<unsigned char*>(to);
    const auto* in = static_cast<const unsigned char*>(from);
    for (; n >= sizeof(Turn); n -= sizeof(Turn), in += sizeof(Turn), out += sizeof(Turn)) {
        // SAFETY: Word has alignment 1 and may alias anything; n bounds both.
        const auto* source = reinterpret_cast<const Word*>(in);
        auto* target = reinterpret_cast<Word*>(out);
        const uint64_t w0 = source[0].value, w1 = source[1].value;
        const uint64_t w2 = source[2].value, w3 = source[3].value;
        const uint64_t w4 = source[4].value, w5 = source[5].value;
        const uint64_t w6 = source[6].value, w7 = source[7].value;
        target[0].value = w0, target[1].value = w1, target[2].value = w2, target[3].value = w3;
        target[4].value = w4, target[5].value = w5, target[6].value = w6, target[7].value = w7;
    }
    for (; n >= sizeof(Word); n -= sizeof(Word), in += sizeof(Word), out += sizeof(Word)) {
        // SAFETY: as above.
        reinterpret_cast<Word*>(out)->value = reinterpret_cast<const Word*>(in)->value;
    }
    for (; n > 0; --n) {
        *out++ = *in++;
    }
    return to;
}

void* memmove(void* to, const void* from, size_t n) {
    auto* out = static_cast<unsigned char*>(to);
    const auto* in = static_cast<const unsigned char*>(from);
    // Forward copies are right whenever the target starts below the source or beyond its end.
    if (out < in ? static_cast<size_t>(in - out) >= sizeof(Turn) : out >= in + n) {
        return memcpy(to, from, n);
    }
    if (out < in) {
        for (size_t i = 0; i < n; ++i) {
            out[i] = in[i];
        }
    } else {
        for (size_t i = n; i > 0; --i) {
            out[i - 1] = in[i - 1];
        }
    }
    return to;
}

void* memset(void* to, int value, size_t n) {
    auto* out = static_cast<unsigned char*>(to);
    const auto byte = static_cast<unsigned char>(value);
    const uint64_t word = uint64_t{0x0101010101010101} * byte;
    for (; n >= sizeof(Turn); n -= sizeof(Turn), out += sizeof(Turn)) {
        // SAFETY: Word has alignment 1 and may alias anything; n bounds the target.
        auto* target = reinterpret_cast<Word*>(out);
        target[0].value = word, target[1].value = word, target[2].value = word;
        target[3].value = word, target[4].value = word, target[5].value = word;
        target[6].value = word, target[7].value = word;
    }
    for (; n > 0; --n) {
        *out++ = byte;
    }
    return to;
}

int memcmp(const void* a, const void* b, size_t n) {
    const auto* left = static_cast<const unsigned char*>(a);
    const auto* right = static_cast<const unsigned char*>(b);
    size_t i = 0;
    // SAFETY: Word has alignment 1 and may alias anything; n bounds both.
    while (n - i >= sizeof(Word) && reinterpret_cast<const Word*>(left + i)->value ==
                                        reinterpret_cast<const Word*>(right + i)->value) {
        i += sizeof(Word);
    }
    for (; i < n; ++i) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char* s) {
    size_t n = 0;
    while (s[n] != 0) {
        ++n;
    }
    return n;
}
