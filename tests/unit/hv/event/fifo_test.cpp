// SPDX-License-Identifier: Apache-2.0
// The FIFO ABI with a guest that keeps to its rules.
#include "hv/event/fifo.hpp"

#include "tests/unit/hv/event/fifo_fixture.hpp"

#include <thread>

namespace {

using hv::EvtchnPort;
using hv::VcpuId;
namespace event = hv::event;

using Fifo = FifoTest;

constexpr uint32_t default_bit = 1U << hv::abi::EVTCHN_FIFO_PRIORITY_DEFAULT;

TEST_F(Fifo, event_is_linked_at_the_head_and_its_vcpu_told) {
    raise(5, 1);
    EXPECT_EQ(words[5], fifo_word::PENDING | fifo_word::LINKED);
    EXPECT_EQ(blocks[1].ready, default_bit);
    EXPECT_EQ(blocks[1].head[hv::abi::EVTCHN_FIFO_PRIORITY_DEFAULT], 5U);
    EXPECT_EQ(blocks[0].ready, 0U);
    EXPECT_TRUE(d.has_upcall(1));
    EXPECT_FALSE(d.has_upcall(0));
    EXPECT_TRUE(sched.is_woken(*d.vcpus[1]));
    // Nothing of the other ABI.
    EXPECT_EQ(d.shared_info.vcpu_info[1].evtchn_pending_sel, 0U);
    EXPECT_FALSE(d.is_pending(EvtchnPort{5}));
    EXPECT_TRUE(event::is_pending(d.domain, EvtchnPort{5}));
}

TEST_F(Fifo, events_are_taken_in_their_order_with_one_upcall) {
    for (const uint32_t port : {9U, 3U, 60U}) {
        raise(port);
    }
    EXPECT_EQ(words[9] & fifo_word::LINK, 3U);
    EXPECT_EQ(words[3] & fifo_word::LINK, 60U);
    EXPECT_EQ(words[60] & fifo_word::LINK, 0U);
    EXPECT_EQ(sched.woken.size(), 1U);
    EXPECT_EQ(guests[0].take(), (Ports{9, 3, 60}));
    EXPECT_EQ(guests[0].take(), Ports{});
}

TEST_F(Fifo, queue_begins_anew_once_it_was_empty) {
    raise(9);
    EXPECT_EQ(guests[0].take(), Ports{9});
    EXPECT_TRUE(take_upcall());
    raise(9);  // was the tail
    EXPECT_EQ(words[9] & fifo_word::LINK, 0U);
    EXPECT_TRUE(take_upcall());
    EXPECT_EQ(guests[0].take(), Ports{9});
    raise(3);
    EXPECT_EQ(words[9], 0U);  // not on any queue, so nothing points out of it
    EXPECT_TRUE(take_upcall());
    EXPECT_EQ(guests[0].take(), Ports{3});
}

TEST_F(Fifo, higher_priorities_come_first) {
    fifo.set_priority(EvtchnPort{4}, 15);
    fifo.set_priority(EvtchnPort{5}, 0);
    for (const uint32_t port : {4U, 6U, 5U}) {
        raise(port);
    }
    EXPECT_EQ(blocks[0].ready, 1U << 15 | 1U << 7 | 1U << 0);
    EXPECT_EQ(guests[0].take(), (Ports{5, 6, 4}));
}

TEST_F(Fifo, second_event_before_the_guest_looked_changes_nothing) {
    raise(5);
    take_upcall();
    const uint32_t word = words[5];
    raise(5);
    EXPECT_EQ(words[5], word);
    EXPECT_FALSE(take_upcall());
    EXPECT_EQ(guests[0].take(), Ports{5});
}

TEST_F(Fifo, event_that_comes_while_it_is_handled_comes_again) {
    raise(5);
    guests[0].take();
    words[5] = fifo_word::PENDING;  // taken off, not cleared yet
    take_upcall();
    raise(5);
    EXPECT_TRUE(take_upcall());
    EXPECT_EQ(guests[0].take(), Ports{5});
}

TEST_F(Fifo, masked_event_waits_for_the_unmask) {
    words[5] = fifo_word::MASKED;
    raise(5);
    EXPECT_EQ(words[5], fifo_word::MASKED | fifo_word::PENDING);
    EXPECT_EQ(blocks[0].ready, 0U);
    EXPECT_FALSE(take_upcall());
    unmask(5);
    EXPECT_TRUE(take_upcall());
    EXPECT_EQ(guests[0].take(), Ports{5});
    unmask(5);
    EXPECT_FALSE(take_upcall());
}

TEST_F(Fifo, unmask_delivers_what_the_guest_unmasked_itself) {
    words[5] = fifo_word::PENDING;
    unmask(5);
    EXPECT_TRUE(take_upcall());
    EXPECT_EQ(guests[0].take(), Ports{5});
}

TEST_F(Fifo, closed_event_is_taken_as_nothing) {
    raise(5);
    raise(6);
    event::clear_pending(d.domain, EvtchnPort{5});
    EXPECT_TRUE(fifo.is_linked(EvtchnPort{5}));
    EXPECT_EQ(guests[0].take(), Ports{6});
    EXPECT_FALSE(fifo.is_linked(EvtchnPort{5}));
}

TEST_F(Fifo, port_that_is_still_linked_is_not_given_away) {
    const EvtchnPort port = event::bind_ipi(d.domain, VcpuId{0}).take();
    ASSERT_TRUE(event::send(d.domain, port).ok());
    ASSERT_TRUE(event::close(d.domain, port).ok());
    const EvtchnPort next = event::bind_ipi(d.domain, VcpuId{0}).take();
    EXPECT_NE(next, port);
    guests[0].take();
    EXPECT_EQ(event::bind_ipi(d.domain, VcpuId{0}).take(), port);
}

TEST_F(Fifo, priority_does_not_survive_the_close) {
    const EvtchnPort port = event::bind_ipi(d.domain, VcpuId{0}).take();
    fifo.set_priority(port, 0);
    ASSERT_TRUE(event::close(d.domain, port).ok());
    ASSERT_EQ(event::bind_ipi(d.domain, VcpuId{0}).take(), port);
    ASSERT_TRUE(event::send(d.domain, port).ok());
    EXPECT_EQ(blocks[0].ready, default_bit);
}

TEST_F(Fifo, linked_event_stays_on_its_queue_when_the_port_moves) {
    raise(5, 0);
    raise(5, 1);
    EXPECT_EQ(blocks[1].ready, 0U);
    EXPECT_EQ(guests[0].take(), Ports{5});
    raise(5, 1);
    EXPECT_EQ(blocks[1].ready, default_bit);
    raise(6, 0);  // its old queue has no tail any more
    EXPECT_EQ(blocks[0].head[7], 6U);
    raise(7, 1);
    EXPECT_EQ(guests[0].take(), Ports{6});
    EXPECT_EQ(guests[1].take(), (Ports{5, 7}));
}

TEST_F(Fifo, event_without_a_word_waits_for_it) {
    EventDomain fresh{2, 1, 64};
    event::Fifo& own = fresh.events.fifo();
    own.use();
    own.set_control(VcpuId{0}, &blocks[0], {});
    event::set_pending(fresh.domain, EvtchnPort{5}, VcpuId{0});
    EXPECT_FALSE(event::is_pending(fresh.domain, EvtchnPort{5}));
    EXPECT_FALSE(fresh.has_upcall(0));
    event::unmask_pending(fresh.domain, EvtchnPort{5}, VcpuId{0});
    EXPECT_TRUE(own.take_waiting(EvtchnPort{5}));
    EXPECT_FALSE(own.take_waiting(EvtchnPort{5}));
    event::set_pending(fresh.domain, EvtchnPort{6}, VcpuId{0});
    event::clear_pending(fresh.domain, EvtchnPort{6});
    EXPECT_FALSE(own.take_waiting(EvtchnPort{6}));
}

TEST_F(Fifo, poller_is_wakened_by_its_port_even_if_masked) {
    words[5] = fifo_word::MASKED;
    const EvtchnPort port{5};
    EXPECT_FALSE(event::start_polling(*d.vcpus[1], std::span{&port, 1}).take());
    raise(6, 0);
    EXPECT_FALSE(sched.is_woken(*d.vcpus[1]));
    raise(5, 0);
    EXPECT_TRUE(sched.is_woken(*d.vcpus[1]));
    EXPECT_TRUE(event::start_polling(*d.vcpus[1], std::span{&port, 1}).take());
}

TEST_F(Fifo, vcpu_without_vcpu_info_finds_its_event_later) {
    d.vcpus[1]->info = nullptr;
    raise(5, 1);
    hv::abi::VcpuInfo registered{};
    event::move_vcpu_info(*d.vcpus[1], &registered);
    EXPECT_TRUE(event::upcall_wanted(*d.vcpus[1]));
    EXPECT_EQ(guests[1].take(), Ports{5});
}

// A guest that takes events while they are raised loses none: when nobody raises any more and it
// has looked once more, none is pending.
TEST_F(Fifo, no_event_is_lost_between_two_processors) {
    constexpr uint32_t rounds = 20'000;
    std::atomic<bool> is_done{false};
    uint64_t taken = 0;
    std::thread guest{[&] {
        while (!is_done) {
            taken += guests[0].take().size();
        }
        taken += guests[0].take().size();
    }};
    for (uint32_t n = 0; n < rounds; ++n) {
        fifo.raise(EvtchnPort{1 + n % 63}, *d.vcpus[0]);
    }
    is_done = true;
    guest.join();
    EXPECT_GE(taken, 63U);
    for (const uint32_t word : words) {
        ASSERT_EQ(word, 0U);
    }
}

}  // namespace
