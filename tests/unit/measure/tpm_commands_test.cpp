// SPDX-License-Identifier: Apache-2.0
// What a TPM answers, byte by byte, without the registers in front of it.
#include "measure/tpm/commands.hpp"
#include "tests/fake/fake_tpm.hpp"
#include "tests/unit/measure/log_bytes.hpp"

#include <functional>
#include <set>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace measure {
namespace {

constexpr hv::PcrIndex some_pcr{12};

using Decode = std::function<bool(const fake::Bytes&)>;
struct Decoder {
    std::string_view name;
    fake::Bytes response;
    Decode accepts;
    std::set<size_t> free_bytes{};  // may be anything
};

std::vector<Decoder> decoders() {
    fake::FakeTpm tpm{bank(Algorithm::Sha256)};
    TpmBuffer buffer;
    std::vector<Decoder> all;
    all.push_back({"PCR banks",
                   tpm.execute(0, encode_get_pcr_banks(buffer)),
                   [](const fake::Bytes& b) { return decode_get_pcr_banks(b).ok(); },
                   {}});  // selections are for their own test
    const DigestSet digests = hash(bank(Algorithm::Sha256), "x");
    all.push_back({"extend",
                   tpm.execute(0, encode_pcr_extend(buffer, some_pcr, digests)),
                   [](const fake::Bytes& b) { return decode_empty(b).ok(); },
                   {16}});  // attributes of the session
    all.push_back({"read",
                   tpm.execute(0, encode_pcr_read(buffer, Algorithm::Sha256, some_pcr)),
                   [](const fake::Bytes& b) {
                       DigestSet out;
                       return decode_pcr_read(b, Algorithm::Sha256, some_pcr, out).ok();
                   },
                   {10, 11, 12, 13}});  // update counter
    return all;
}

// With the size field that belongs to it.
fake::Bytes resized(fake::Bytes response, size_t size) {
    response.resize(size);
    if (size >= 6) {
        response[4] = static_cast<std::byte>(size >> 8);
        response[5] = static_cast<std::byte>(size & 0xff);
    }
    response.shrink_to_fit();
    return response;
}

TEST(TpmCommands, a_response_of_another_length_is_refused_even_if_its_size_field_says_so) {
    for (const Decoder& decoder : decoders()) {
        ASSERT_TRUE(decoder.accepts(decoder.response)) << decoder.name;
        for (size_t size = 0; size < decoder.response.size(); ++size) {
            EXPECT_FALSE(decoder.accepts(resized(decoder.response, size)))
                << decoder.name << ' ' << size;
        }
        EXPECT_FALSE(decoder.accepts(resized(decoder.response, decoder.response.size() + 1)))
            << decoder.name;
    }
}

TEST(TpmCommands, every_fixed_byte_of_a_response_is_looked_at) {
    for (const Decoder& decoder : decoders()) {
        const size_t fixed = decoder.name == "PCR banks" ? 19 : decoder.response.size();
        const size_t end = decoder.name == "read" ? 30 : fixed;  // the digest may be any
        for (size_t at = 0; at < end; ++at) {
            fake::Bytes changed = decoder.response;
            changed[at] ^= std::byte{0x80};
            EXPECT_EQ(decoder.accepts(changed), decoder.free_bytes.contains(at))
                << decoder.name << ' ' << at;
        }
    }
}

TEST(TpmCommands, a_pcr_value_of_another_size_is_refused) {
    fake::Bytes response = decoders()[2].response;
    constexpr size_t digest_size_at = 29;
    ASSERT_EQ(response[digest_size_at], std::byte{32});
    for (const size_t size : {0U, 20U, 31U, 33U}) {
        response[digest_size_at] = static_cast<std::byte>(size);
        DigestSet out;
        EXPECT_FALSE(decode_pcr_read(resized(response, digest_size_at + 1 + size),
                                     Algorithm::Sha256, some_pcr, out)
                         .ok());
    }
}

TEST(TpmCommands, more_banks_than_any_tpm_has_are_refused) {
    const fake::Bytes one = decoders()[0].response;
    constexpr size_t count_at = 15;
    constexpr size_t selections_at = 19;
    const auto with = [&](size_t count) {
        fake::Bytes response{one.begin(), one.begin() + selections_at};
        response[count_at + 3] = static_cast<std::byte>(count);
        for (size_t i = 0; i < count; ++i) {
            const auto sha1 = one.begin() + selections_at;  // inactive
            response.insert(response.end(), sha1, sha1 + 6);
        }
        return resized(response, response.size());
    };
    EXPECT_TRUE(decode_get_pcr_banks(with(16)).ok());
    EXPECT_FALSE(decode_get_pcr_banks(with(17)).ok());
}

TEST(TpmCommands, a_size_field_that_is_not_the_size_is_refused) {
    fake::FakeTpm tpm{all_banks};
    TpmBuffer buffer;
    fake::Bytes response = tpm.execute(0, encode_get_pcr_banks(buffer));
    EXPECT_TRUE(decode_get_pcr_banks(response).ok());
    response[5] ^= std::byte{1};
    EXPECT_FALSE(decode_get_pcr_banks(response).ok());
}

}  // namespace
}  // namespace measure
