// SPDX-License-Identifier: Apache-2.0
// The hash of names and paths: that it is the one it says, and that its key matters.
#include "domb/services/xenstore/hash.hpp"

#include "tests/unit/domb/xenstore/client.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <openssl/core_names.h>
#include <openssl/evp.h>

namespace xenstore::test {
namespace {

uint32_t siphash_1_3(const std::array<uint8_t, 16>& key, std::string_view text) {
    const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac{
        EVP_MAC_fetch(nullptr, "SIPHASH", nullptr), EVP_MAC_free};
    const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context{
        EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free};
    unsigned c = 1;
    unsigned d = 3;
    size_t size = 8;
    const std::array parameters{OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &c),
                                OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &d),
                                OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                                OSSL_PARAM_construct_end()};
    std::array<uint8_t, 8> out{};
    // SAFETY: characters are bytes.
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), parameters.data()), 1);
    EXPECT_EQ(EVP_MAC_update(context.get(), bytes, text.size()), 1);
    EXPECT_EQ(EVP_MAC_final(context.get(), out.data(), &size, out.size()), 1);
    uint32_t low = 0;
    memcpy(&low, out.data(), sizeof(low));
    return low;
}

TEST(Hash, is_siphash_1_3) {
    std::array<uint8_t, 16> bytes{};
    for (size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<uint8_t>(17 * i + 3);
    }
    HashKey key;
    memcpy(&key.low, bytes.data(), 8);
    memcpy(&key.high, bytes.data() + 8, 8);
    std::string text;
    for (int size = 0; size < 300; ++size) {
        EXPECT_EQ(hash_of(key, text), siphash_1_3(bytes, text)) << size;
        text += static_cast<char>(size * 29 + 200);
    }
}

TEST(Hash, of_a_beginning_does_not_end_it) {
    const HashKey key{1, 2};
    const std::string path = "/local/domain/3/device/vbd/51712/state";
    Hash hash{key};
    for (size_t i = 0; i < path.size(); ++i) {
        EXPECT_EQ(hash.value(), hash_of(key, path.substr(0, i)));
        hash.add(path.substr(i, 1));
    }
    EXPECT_EQ(hash.value(), hash_of(key, path));
}

constexpr HashKey guessed{};
constexpr HashKey secret{0x6a09e667f3bcc908, 0xbb67ae8584caa73b};

Config keyed(const HashKey& key) {
    Config config = small_config();
    config.hash_key = key;
    return config;
}

// A guest that thinks it knows the key, and watches paths that would all be found in one place.
class Collisions : public ServerTest {
  protected:
    explicit Collisions(const HashKey& key) : ServerTest{keyed(key)} {}
    void SetUp() override {
        const size_t buckets = server.buckets().size();
        for (int i = 0, found = 0; found < 100; ++i) {
            const std::string path = "/w" + std::to_string(i);
            if (hash_of(guessed, path) % buckets == 7) {
                ASSERT_EQ(watch(1, path, "t"), "OK|");
                ++found;
            }
        }
    }
    [[nodiscard]] size_t longest() {
        size_t longest = 0;
        for (const Block first : server.buckets()) {
            size_t length = 0;
            for (Block block = first; block != no_block;
                 block = server.memory().pool.at<Watch>(block).next_of_hash) {
                ++length;
            }
            longest = std::max(longest, length);
        }
        return longest;
    }
};
class KnownKey : public Collisions {
  protected:
    KnownKey() : Collisions{guessed} {}
};
class UnknownKey : public Collisions {
  protected:
    UnknownKey() : Collisions{secret} {}
};

TEST_F(KnownKey, lets_a_guest_choose_the_bucket) {
    EXPECT_EQ(longest(), 100U);
}
TEST_F(UnknownKey, does_not) {
    EXPECT_LT(longest(), 6U);
}

}  // namespace
}  // namespace xenstore::test
