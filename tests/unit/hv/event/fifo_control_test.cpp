// SPDX-License-Identifier: Apache-2.0
// How a domain comes to the FIFO ABI and leaves it, and who holds its pages meanwhile. Errors as a
// guest sees them: event_channel_op_test.cpp.
#include "hv/event/fifo_control.hpp"

#include "hv/event/pending.hpp"
#include "tests/fake/fake_machine.hpp"
#include "tests/unit/hv/event/fifo_guest.hpp"

#include <gtest/gtest.h>

namespace {

using hv::EvtchnPort;
using hv::Gfn;
using hv::VcpuId;
using hv::event::Error;
namespace event = hv::event;
namespace fifo_word = hv::event::fifo_word;

class FifoControl : public testing::Test {
  protected:
    using Ports = std::vector<uint32_t>;
    static constexpr Gfn control{5};
    static constexpr Gfn array{6};

    hv::domain::Domain& domain() { return d.domain(); }
    hv::Result<void, Error> init_control(size_t vcpu = 0, uint32_t offset = 0) {
        return event::init_control(d.vcpu(vcpu), control, offset);
    }
    hv::Result<void, Error> expand(Gfn gfn = array) { return event::expand_array(domain(), gfn); }
    static Error error_of(hv::Result<void, Error> result) {
        EXPECT_FALSE(result.ok());
        return result.error();
    }
    FifoGuest guest(uint32_t offset = 0) {
        return {d.at<hv::abi::EvtchnFifoControlBlock>(0x5000 + offset),
                {&d.at<uint32_t>(0x6000), event::Fifo::words_per_page}};
    }
    [[nodiscard]] uint32_t pins(Gfn gfn) const { return machine.foreign_mappings(d.mfn(gfn)); }
    EvtchnPort ipi(uint32_t vcpu = 0) { return event::bind_ipi(domain(), VcpuId{vcpu}).take(); }
    bool has_upcall(size_t vcpu = 0) {
        return domain().shared_info->vcpu_info[vcpu].evtchn_upcall_pending != 0;
    }

    FakeMachine machine;
    FakeDomain& d = machine.add_domain(1);
};

TEST_F(FifoControl, pages_are_pinned_until_the_domain_leaves) {
    ASSERT_TRUE(init_control(0).ok());
    ASSERT_TRUE(init_control(1, 128).ok());
    ASSERT_TRUE(expand().ok());
    EXPECT_EQ(pins(control), 2U);
    EXPECT_EQ(pins(array), 1U);
    event::leave_fifo(domain());
    EXPECT_EQ(pins(control), 0U);
    EXPECT_EQ(pins(array), 0U);
    event::leave_fifo(domain());  // nothing more to leave
    ASSERT_TRUE(init_control(0).ok());
    EXPECT_EQ(pins(control), 1U);
}

TEST_F(FifoControl, event_from_before_comes_once_there_is_a_word) {
    const EvtchnPort port = ipi();
    ASSERT_TRUE(event::send(domain(), port).ok());
    domain().shared_info->vcpu_info[0] = {};
    ASSERT_TRUE(init_control().ok());
    EXPECT_EQ(domain().shared_info->evtchn_pending[0], 0U);
    EXPECT_FALSE(has_upcall());
    ASSERT_TRUE(expand().ok());
    EXPECT_TRUE(has_upcall());
    EXPECT_EQ(guest().take(), Ports{port.value()});
}

TEST_F(FifoControl, event_from_before_is_masked_if_its_word_is) {
    const EvtchnPort port = ipi();
    ASSERT_TRUE(event::send(domain(), port).ok());
    ASSERT_TRUE(init_control().ok());
    uint32_t& word = d.at<uint32_t>(0x6000 + 4 * port.value());
    word = fifo_word::MASKED;
    ASSERT_TRUE(expand().ok());
    EXPECT_EQ(word, fifo_word::MASKED | fifo_word::PENDING);
    EXPECT_EQ(guest().take(), Ports{});
    ASSERT_TRUE(event::unmask(domain(), port).ok());
    EXPECT_EQ(guest().take(), Ports{port.value()});
}

TEST_F(FifoControl, pending_bit_of_a_port_that_is_not_bound_is_nothing) {
    domain().shared_info->evtchn_pending[0] = ~uint64_t{0};
    const EvtchnPort port = ipi();
    ASSERT_TRUE(init_control().ok());
    ASSERT_TRUE(expand().ok());
    EXPECT_EQ(guest().take(), Ports{port.value()});
}

TEST_F(FifoControl, vcpu_that_gets_its_block_late_finds_its_events) {
    ASSERT_TRUE(init_control(0).ok());
    ASSERT_TRUE(expand().ok());
    const EvtchnPort port = ipi(1);
    ASSERT_TRUE(event::send(domain(), port).ok());
    EXPECT_FALSE(has_upcall(1));
    ASSERT_TRUE(init_control(1, 256).ok());
    EXPECT_TRUE(has_upcall(1));
    EXPECT_EQ(guest(256).take(), Ports{port.value()});
}

TEST_F(FifoControl, control_block_lies_in_one_page_and_at_a_multiple_of_eight) {
    constexpr uint32_t last = 4096 - sizeof(hv::abi::EvtchnFifoControlBlock);
    for (const uint32_t offset : {4U, last + 8, 4096U, ~7U, ~0U}) {
        EXPECT_EQ(error_of(init_control(0, offset)), Error::BadAddress);
    }
    EXPECT_FALSE(domain().events->fifo().is_used());
    EXPECT_TRUE(init_control(0, last).ok());
    EXPECT_EQ(error_of(init_control(0)), Error::HasControl);
    EXPECT_EQ(pins(control), 1U);
}

TEST_F(FifoControl, pages_are_own_ram) {
    FakeDomain& other = machine.add_domain(2);
    ASSERT_TRUE(domain().p2m.map(Gfn{200}, other.mfn(Gfn{1}), 1, hv::mm::Access::ReadWrite).ok());
    ASSERT_TRUE(domain().p2m.map(Gfn{201}, d.mfn(Gfn{1}), 1, hv::mm::Access::ReadOnly).ok());
    ASSERT_TRUE(
        domain().p2m.map(Gfn{202}, domain().shared_info_mfn, 1, hv::mm::Access::ReadWrite).ok());
    const Gfn bad[] = {Gfn{200}, Gfn{201}, Gfn{202}, Gfn{1000}, Gfn{~uint64_t{0}}};
    for (const Gfn gfn : bad) {
        EXPECT_EQ(error_of(event::init_control(d.vcpu(0), gfn, 0)), Error::BadAddress);
    }
    ASSERT_TRUE(init_control().ok());
    for (const Gfn gfn : bad) {
        EXPECT_EQ(error_of(expand(gfn)), Error::BadAddress);
    }
    EXPECT_EQ(domain().events->fifo().page_count(), 0U);
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{1})), 0U);
}

TEST_F(FifoControl, array_has_as_many_pages_as_the_abi_has_ports) {
    EXPECT_EQ(error_of(expand()), Error::NotFifo);
    ASSERT_TRUE(init_control().ok());
    for (uint32_t n = 0; n < event::Fifo::max_pages; ++n) {
        ASSERT_TRUE(expand().ok());  // the same page, why not
    }
    EXPECT_EQ(event::Fifo::max_pages, 128U);
    EXPECT_EQ(error_of(expand()), Error::NoPort);
    EXPECT_EQ(pins(array), 128U);
    event::leave_fifo(domain());
    EXPECT_EQ(pins(array), 0U);
}

TEST_F(FifoControl, priorities_are_of_bound_ports_and_of_this_abi) {
    const EvtchnPort port = ipi();
    EXPECT_EQ(error_of(event::set_priority(domain(), port, 0)), Error::NoPriorities);
    ASSERT_TRUE(init_control().ok());
    EXPECT_TRUE(event::set_priority(domain(), port, 0).ok());
    EXPECT_TRUE(event::set_priority(domain(), port, 15).ok());
    EXPECT_EQ(error_of(event::set_priority(domain(), port, 16)), Error::BadPriority);
    EXPECT_EQ(error_of(event::set_priority(domain(), port, ~0U)), Error::BadPriority);
    for (const uint32_t bad : {0U, port.value() + 1, FakeDomain::port_count, ~0U}) {
        EXPECT_EQ(error_of(event::set_priority(domain(), EvtchnPort{bad}, 0)), Error::BadPort);
    }
}

TEST_F(FifoControl, domain_that_left_is_back_at_two_levels) {
    const EvtchnPort before = ipi();
    ASSERT_TRUE(init_control().ok());
    ASSERT_TRUE(expand().ok());
    ASSERT_TRUE(event::set_priority(domain(), before, 3).ok());
    ASSERT_TRUE(event::send(domain(), before).ok());
    event::close_all(domain());
    event::leave_fifo(domain());
    const EvtchnPort port = ipi();
    EXPECT_EQ(port, before);  // what its word says counts no more
    const uint32_t word = d.at<uint32_t>(0x6000 + 4 * port.value());
    ASSERT_TRUE(event::send(domain(), port).ok());
    EXPECT_EQ(domain().shared_info->evtchn_pending[0], uint64_t{1} << port.value());
    EXPECT_EQ(d.at<uint32_t>(0x6000 + 4 * port.value()), word);

    // And comes again, with nothing left of the last time.
    d.at<hv::abi::EvtchnFifoControlBlock>(0x5000) = {};
    d.at<uint32_t>(0x6000 + 4 * port.value()) = 0;
    ASSERT_TRUE(init_control().ok());
    ASSERT_TRUE(expand().ok());
    EXPECT_EQ(d.at<hv::abi::EvtchnFifoControlBlock>(0x5000).ready, 1U << 7);
    EXPECT_EQ(guest().take(), Ports{port.value()});
}

}  // namespace
