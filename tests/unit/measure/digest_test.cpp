// SPDX-License-Identifier: Apache-2.0
#include "measure/tcg/digest.hpp"

#include "measure/replay/hex.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace measure {
namespace {

std::string hex_of(std::string_view text, Algorithm a) {
    return to_hex(hash(all_banks, text).get(a));
}

// Another implementation of the same functions.
std::string openssl(Algorithm a, const std::vector<std::byte>& bytes) {
    std::vector<unsigned char> digest(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    const std::string name{to_name(a)};
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_get_digestbyname(name.c_str()),
               nullptr);
    return to_hex(std::as_bytes(std::span{digest}.first(size)));
}

std::vector<std::byte> pattern(size_t size) {
    std::vector<std::byte> bytes(size);
    for (size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(i * 7 + i / 251);
    }
    return bytes;
}

TEST(Digest, the_examples_of_the_standard_come_out) {
    EXPECT_EQ(hex_of("abc", Algorithm::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hex_of("abc", Algorithm::Sha256),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex_of("", Algorithm::Sha256),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex_of("abc", Algorithm::Sha384),
              "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
              "8086072ba1e7cc2358baeca134c825a7");
    EXPECT_EQ(hex_of("abc", Algorithm::Sha512),
              "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Digest, every_length_around_the_block_sizes_agrees_with_openssl) {
    for (size_t size = 0; size <= 300; ++size) {
        const auto bytes = pattern(size);
        const DigestSet digests = hash(all_banks, bytes);
        for (const Algorithm a : all_algorithms) {
            ASSERT_EQ(to_hex(digests.get(a)), openssl(a, bytes)) << to_name(a) << ' ' << size;
        }
    }
}

TEST(Digest, a_stream_in_pieces_is_hashed_like_the_whole) {
    const auto bytes = pattern(70'001);
    const DigestSet whole = hash(all_banks, bytes);
    for (const size_t piece : {1U, 63U, 64U, 65U, 127U, 128U, 129U, 4096U, 20'000U}) {
        Hasher hasher{all_banks};
        for (size_t at = 0; at < bytes.size(); at += piece) {
            hasher.update(std::span{bytes}.subspan(at).first(std::min(piece, bytes.size() - at)));
        }
        EXPECT_EQ(hasher.finish(), whole) << piece;
    }
}

TEST(Digest, only_the_wanted_banks_are_computed) {
    BankSet banks;
    banks.add(Algorithm::Sha384);
    EXPECT_EQ(hash(banks, "x").banks(), banks);
    EXPECT_EQ(hash(banks, "x"), hash(all_banks, "x").only(banks));
}

TEST(Digest, extending_hashes_the_old_value_and_the_digest) {
    const DigestSet digest = hash(all_banks, "event");
    const DigestSet old = hash(all_banks, "old");
    const DigestSet result = extend(old, digest);
    for (const Algorithm a : all_algorithms) {
        std::vector<std::byte> both(old.get(a).begin(), old.get(a).end());
        both.insert(both.end(), digest.get(a).begin(), digest.get(a).end());
        EXPECT_EQ(to_hex(result.get(a)), openssl(a, both));
    }
}

}  // namespace
}  // namespace measure
