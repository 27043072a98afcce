// SPDX-License-Identifier: Apache-2.0
// Appending to an event word that the guest changes between our looks.
#include "hv/event/fifo_word.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace {

using hv::EvtchnPort;
using hv::event::fifo_word::Append;
namespace fifo_word = hv::event::fifo_word;

constexpr uint32_t linked = fifo_word::LINKED | fifo_word::PENDING;
constexpr EvtchnPort next{77};

// A word of a guest that does something just before each of our exchanges.
struct SharedWord {
    uint32_t value = 0;
    std::function<void(uint32_t&)> before_exchange = [](uint32_t&) {};
    unsigned exchanges = 0;
};
class Access {
  public:
    explicit Access(SharedWord& word) : word_{word} {}
    [[nodiscard]] uint32_t load() const { return word_.value; }
    uint32_t fetch_or(uint32_t bits) {
        const uint32_t before = word_.value;
        word_.value |= bits;
        return before;
    }
    uint32_t fetch_and(uint32_t bits) {
        const uint32_t before = word_.value;
        word_.value &= bits;
        return before;
    }
    bool compare_exchange_strong(uint32_t& expected, uint32_t desired) {
        ++word_.exchanges;
        word_.before_exchange(word_.value);
        if (word_.value != expected) {
            expected = word_.value;
            return false;
        }
        word_.value = desired;
        return true;
    }

  private:
    SharedWord& word_;
};

TEST(FifoWord, linked_tail_gets_the_link_and_keeps_the_rest) {
    SharedWord tail{.value = linked | fifo_word::MASKED};
    EXPECT_EQ(fifo_word::append(Access{tail}, next), Append::Done);
    EXPECT_EQ(tail.value, linked | fifo_word::MASKED | 77);
}

TEST(FifoWord, old_link_and_busy_of_the_guest_do_not_stay) {
    SharedWord tail{.value = linked | fifo_word::BUSY | fifo_word::LINK};
    EXPECT_EQ(fifo_word::append(Access{tail}, next), Append::Done);
    EXPECT_EQ(tail.value, linked | 77);
}

TEST(FifoWord, tail_that_was_taken_is_left_alone) {
    SharedWord tail{.value = fifo_word::PENDING | 5};
    EXPECT_EQ(fifo_word::append(Access{tail}, next), Append::QueueIsEmpty);
    EXPECT_EQ(tail.value, fifo_word::PENDING | 5);
    EXPECT_EQ(tail.exchanges, 0U);
}

TEST(FifoWord, guest_that_masks_meanwhile_is_waited_for) {
    SharedWord tail{.value = linked};
    tail.before_exchange = [](uint32_t& word) { word |= fifo_word::MASKED; };
    EXPECT_EQ(fifo_word::append(Access{tail}, next), Append::Done);
    EXPECT_EQ(tail.value, linked | fifo_word::MASKED | 77);
    EXPECT_EQ(tail.exchanges, 2U);
}

TEST(FifoWord, guest_that_takes_the_tail_meanwhile_finds_no_busy_bit) {
    SharedWord tail{.value = linked};
    tail.before_exchange = [&](uint32_t& word) {
        word = tail.exchanges < 2 ? word ^ fifo_word::MASKED
                                  : word & ~(fifo_word::LINKED | fifo_word::LINK);
    };
    EXPECT_EQ(fifo_word::append(Access{tail}, next), Append::QueueIsEmpty);
    EXPECT_EQ(tail.value, fifo_word::PENDING | fifo_word::MASKED);
}

TEST(FifoWord, guest_that_never_holds_still_is_given_up) {
    SharedWord tail{.value = linked};
    tail.before_exchange = [](uint32_t& word) { word ^= fifo_word::MASKED; };
    EXPECT_EQ(fifo_word::append(Access{tail}, next), Append::GaveUp);
    EXPECT_EQ(tail.exchanges, fifo_word::most_tries);
    EXPECT_EQ(tail.value, linked);  // after an even number of changes
}

}  // namespace
