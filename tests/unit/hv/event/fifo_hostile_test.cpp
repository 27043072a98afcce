// SPDX-License-Identifier: Apache-2.0
// The FIFO ABI with a guest that breaks its rules: it harms nobody but itself, we write nothing but
// its words and its control blocks, and events come again once it keeps to the rules.
#include "tests/unit/hv/event/fifo_fixture.hpp"

#include <algorithm>
#include <random>
#include <thread>

namespace {

using hv::EvtchnPort;
using hv::VcpuId;
namespace event = hv::event;

using FifoHostile = FifoTest;

TEST_F(FifoHostile, links_that_lead_anywhere_are_not_followed) {
    raise(5);
    words[5] = fifo_word::PENDING | fifo_word::LINKED | fifo_word::LINK;  // beyond the array
    raise(6);
    EXPECT_EQ(words[5] & fifo_word::LINK, 6U);
    words[5] = fifo_word::PENDING | fifo_word::LINKED | 5;  // to itself
    words[6] = fifo_word::PENDING | fifo_word::LINKED | 5;  // a loop
    raise(7);
    EXPECT_EQ(words[6] & fifo_word::LINK, 7U);
    EXPECT_EQ(words[7], fifo_word::PENDING | fifo_word::LINKED);
}

TEST_F(FifoHostile, linked_word_that_is_on_no_queue_is_not_put_on_one) {
    words[5] = fifo_word::LINKED | 0x1ffff;
    raise(5);
    EXPECT_EQ(words[5], fifo_word::PENDING | fifo_word::LINKED | 0x1ffff);
    EXPECT_EQ(blocks[0].ready, 0U);
    EXPECT_FALSE(take_upcall());
    words[5] = 0;
    raise(5);
    EXPECT_EQ(guests[0].take(), Ports{5});
}

TEST_F(FifoHostile, tail_whose_linked_bit_was_cleared_begins_a_queue_anew) {
    raise(5);
    take_upcall();
    words[5] &= ~fifo_word::LINKED;
    raise(6);
    EXPECT_EQ(blocks[0].head[7], 6U);
    EXPECT_FALSE(take_upcall());  // the bit in `ready` is set still
    EXPECT_EQ(guests[0].take(), Ports{6});
}

TEST_F(FifoHostile, tail_that_was_cleared_in_the_middle_is_linked_once) {
    raise(5);
    raise(6);
    words[6] = 0;  // not taken, just cleared
    raise(6);
    EXPECT_EQ(words[6] & fifo_word::LINK, 0U);  // never to itself
    raise(7);
    EXPECT_EQ(words[6] & fifo_word::LINK, 7U);
}

TEST_F(FifoHostile, busy_bit_of_the_guest_stops_nothing) {
    words[5] = fifo_word::BUSY;
    raise(5);
    EXPECT_TRUE(take_upcall());
    words[5] |= fifo_word::BUSY;
    raise(6);
    EXPECT_EQ(words[5] & fifo_word::BUSY, 0U);
    EXPECT_EQ(guests[0].take(), (Ports{5, 6}));
}

TEST_F(FifoHostile, control_block_is_written_and_never_believed) {
    std::fill(std::begin(blocks[0].head), std::end(blocks[0].head), ~0U);
    blocks[0].ready = ~0U;
    raise(5);
    EXPECT_EQ(blocks[0].head[7], 5U);
    EXPECT_FALSE(take_upcall());  // it was told, as far as we can see
    blocks[0].ready = 0;
    raise(6);
    EXPECT_EQ(words[5] & fifo_word::LINK, 6U);
    words[5] = words[6] = 0;
    raise(5);
    EXPECT_TRUE(take_upcall());
}

TEST_F(FifoHostile, control_block_and_words_may_be_the_same_memory) {
    fifo.set_control(VcpuId{0}, reinterpret_cast<hv::abi::EvtchnFifoControlBlock*>(words.data()),
                     {});
    for (uint32_t port = 1; port < 64; ++port) {
        raise(port);
    }
    EXPECT_TRUE(std::all_of(words.begin() + 64, words.end(), [](uint32_t w) { return w == 0; }));
}

TEST_F(FifoHostile, words_of_ports_that_are_linked_forever_use_up_its_own_table_only) {
    std::fill(words.begin(), words.end(), fifo_word::LINKED);
    const auto refused = event::bind_ipi(d.domain, VcpuId{0});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error(), event::Error::NoPort);
    words[9] = 0;
    EXPECT_EQ(event::bind_ipi(d.domain, VcpuId{0}).take(), EvtchnPort{9});
}

// Another processor writes anything anywhere, as fast as it can.
TEST_F(FifoHostile, words_that_change_all_the_time_end_nothing) {
    std::atomic<bool> is_done{false};
    std::thread guest{[&] {
        std::minstd_rand random{1};
        while (!is_done) {
            const auto value = static_cast<uint32_t>(random() << 16 ^ random());
            std::atomic_ref{words[random() % 64]}.store(value);
            std::atomic_ref{blocks[0].ready}.store(value);
            std::atomic_ref{blocks[0].head[random() % 16]}.store(value);
        }
    }};
    for (uint32_t n = 0; n < 50'000; ++n) {
        const EvtchnPort port{1 + n % 63};
        fifo.set_priority(port, static_cast<uint8_t>(n % 16));
        fifo.raise(port, *d.vcpus[n / 63 % 2]);
        fifo.unmask(port, *d.vcpus[0]);
    }
    is_done = true;
    guest.join();
    EXPECT_TRUE(std::all_of(words.begin() + 64, words.end(), [](uint32_t w) { return w == 0; }));

    std::fill(words.begin(), words.end(), 0);
    blocks[0] = {};
    FifoGuest fresh{blocks[0], words};
    fifo.set_priority(EvtchnPort{5}, 7);
    raise(5);
    EXPECT_EQ(fresh.take(), Ports{5});
}

}  // namespace
