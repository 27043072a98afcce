// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/unpack.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace launch::model {
namespace {

using Contents = std::vector<std::byte>;
using Input = std::span<const std::byte>;

// SAFETY for all three: the libraries want their own byte types; any bytes may be seen as these.
const uint8_t* as_u8(Input in) {
    return reinterpret_cast<const uint8_t*>(in.data());
}
const char* as_chars(Input in) {
    return reinterpret_cast<const char*>(in.data());
}
uint8_t* as_u8(std::byte* out) {
    return reinterpret_cast<uint8_t*>(out);
}

// What a stream decompressor says after one call.
enum class Step : uint8_t { More, End, Broken };

// Calls `step(out)` with fresh space, of which it takes some off the front, until the stream ends.
template <class F>
std::optional<Contents> drain(F step) {
    Contents all;
    Contents chunk(size_t{1} << 20);
    for (;;) {
        std::span<std::byte> out{chunk};
        const Step result = step(out);
        const size_t produced = chunk.size() - out.size();
        if (result == Step::Broken || all.size() + produced > max_unpacked_bytes) {
            return std::nullopt;
        }
        all.insert(all.end(), chunk.begin(), chunk.begin() + static_cast<ptrdiff_t>(produced));
        if (result == Step::End) {
            return all;
        }
        if (produced == 0) {
            return std::nullopt;  // the input ends before the stream
        }
    }
}

std::optional<Contents> unpack_gzip(Input in) {
    z_stream stream{};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) {
        return std::nullopt;
    }
    const std::unique_ptr<z_stream, int (*)(z_stream*)> guard{&stream, inflateEnd};
    stream.next_in = const_cast<Bytef*>(as_u8(in));
    stream.avail_in = static_cast<uInt>(in.size());
    return drain([&stream](std::span<std::byte>& out) {
        stream.next_out = as_u8(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        const int result = inflate(&stream, Z_NO_FLUSH);
        out = out.last(stream.avail_out);
        return result == Z_STREAM_END ? Step::End : result == Z_OK ? Step::More : Step::Broken;
    });
}

std::optional<Contents> unpack_lzma(Input in, bool alone) {
    constexpr uint64_t memory = uint64_t{1} << 30;
    lzma_stream stream = LZMA_STREAM_INIT;
    const lzma_ret ready =
        alone ? lzma_alone_decoder(&stream, memory) : lzma_stream_decoder(&stream, memory, 0);
    if (ready != LZMA_OK) {
        return std::nullopt;
    }
    const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> guard{&stream, lzma_end};
    stream.next_in = as_u8(in);
    stream.avail_in = in.size();
    return drain([&stream](std::span<std::byte>& out) {
        stream.next_out = as_u8(out.data());
        stream.avail_out = out.size();
        const lzma_ret result = lzma_code(&stream, LZMA_RUN);
        out = out.last(stream.avail_out);
        return result == LZMA_STREAM_END ? Step::End
               : result == LZMA_OK       ? Step::More
                                         : Step::Broken;
    });
}

std::optional<Contents> unpack_xz(Input in) {
    return unpack_lzma(in, false);
}

std::optional<Contents> unpack_lzma_alone(Input in) {
    return unpack_lzma(in, true);
}

std::optional<Contents> unpack_bzip2(Input in) {
    bz_stream stream{};
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) {
        return std::nullopt;
    }
    const std::unique_ptr<bz_stream, int (*)(bz_stream*)> guard{&stream, BZ2_bzDecompressEnd};
    stream.next_in = const_cast<char*>(as_chars(in));
    stream.avail_in = static_cast<unsigned>(in.size());
    return drain([&stream](std::span<std::byte>& out) {
        // SAFETY: as above.
        stream.next_out = reinterpret_cast<char*>(out.data());
        stream.avail_out = static_cast<unsigned>(out.size());
        const int result = BZ2_bzDecompress(&stream);
        out = out.last(stream.avail_out);
        return result == BZ_STREAM_END ? Step::End : result == BZ_OK ? Step::More : Step::Broken;
    });
}

std::optional<Contents> unpack_zstd(Input in) {
    const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context{ZSTD_createDCtx(),
                                                                     ZSTD_freeDCtx};
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    return drain([&](std::span<std::byte>& out) {
        ZSTD_outBuffer output{out.data(), out.size(), 0};
        const size_t result = ZSTD_decompressStream(context.get(), &output, &input);
        out = out.subspan(output.pos);
        return ZSTD_isError(result) != 0 ? Step::Broken : result == 0 ? Step::End : Step::More;
    });
}

uint32_t le32(Input in) {
    uint32_t value = 0;
    std::memcpy(&value, in.data(), sizeof(value));
    return value;
}

// The legacy frame of the lz4 tool: its magic, then blocks of {u32 packed size, data} that unpack
// to at most 8 MiB. Linux appends the unpacked size, which looks like a block that is too long.
std::optional<Contents> unpack_lz4(Input in) {
    Contents all;
    Contents block(size_t{8} << 20);
    in = in.subspan(4);
    while (in.size() > 4) {
        const size_t size = le32(in);
        in = in.subspan(4);
        if (size == 0 || size > in.size()) {
            return std::nullopt;
        }
        // SAFETY: as above.
        const int produced =
            LZ4_decompress_safe(as_chars(in), reinterpret_cast<char*>(block.data()),
                                static_cast<int>(size), static_cast<int>(block.size()));
        if (produced < 0 || all.size() + static_cast<size_t>(produced) > max_unpacked_bytes) {
            return std::nullopt;
        }
        all.insert(all.end(), block.begin(), block.begin() + produced);
        in = in.subspan(size);
    }
    return all.empty() ? std::nullopt : std::optional{std::move(all)};
}

struct Format {
    std::string_view name;
    std::string_view magic;
    std::optional<Contents> (*unpack)(Input);
};

using namespace std::string_view_literals;

constexpr std::array formats{
    Format{"gzip", "\x1f\x8b"sv, unpack_gzip},
    Format{"xz",
           "\xfd"
           "7zXZ\0"sv,
           unpack_xz},
    Format{"zstd", "\x28\xb5\x2f\xfd"sv, unpack_zstd},
    Format{"lz4", "\x02\x21\x4c\x18"sv, unpack_lz4},
    Format{"bzip2", "BZh"sv, unpack_bzip2},
    Format{"lzma", "\x5d\0\0"sv, unpack_lzma_alone},
    Format{"lzo", "\x89LZO"sv, nullptr},
};

}  // namespace

hv::Result<UnpackedKernel, ImageError> unpack(Input packed) {
    for (const Format& format : formats) {
        if (packed.size() < format.magic.size() ||
            std::memcmp(packed.data(), format.magic.data(), format.magic.size()) != 0) {
            continue;
        }
        if (format.unpack == nullptr) {
            break;
        }
        auto bytes = format.unpack(packed);
        if (!bytes) {
            return hv::Err{ImageError{"has a damaged " + std::string{format.name} + " payload",
                                      "expected a whole file"}};
        }
        return UnpackedKernel{std::move(*bytes), std::string{format.name}};
    }
    return hv::Err{ImageError{"has a payload in a compression that is not supported",
                              "expected gzip, xz, zstd, lz4, bzip2 or lzma"}};
}

}  // namespace launch::model
