// SPDX-License-Identifier: Apache-2.0
#include "hv/abi/service_plan.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

#include <cstring>

namespace {

using hv::abi::Errno;
using hv::abi::Hypercall;

class ConsoleIo : public HypercallTest {
  protected:
    static constexpr uint64_t text = 8 << hv::page_shift;

    int64_t write_for(uint64_t dom, uint64_t count, uint64_t channel = 0) {
        return guest.call(Hypercall::console_io, hv::abi::consoleio_write_for,
                          channel << 48 | dom << 32 | count, text);
    }
    int64_t room_for(uint64_t dom, uint64_t count, uint64_t channel = 0) {
        return guest.call(Hypercall::console_io, hv::abi::consoleio_room_for,
                          channel << 48 | dom << 32 | count);
    }
};

TEST_F(ConsoleIo, text_goes_out_under_the_domains_id) {
    std::memcpy(domain.page(hv::Gfn{8}), "hello\n", 6);
    EXPECT_EQ(guest.call(Hypercall::console_io, 0, 6, text), 0);
    EXPECT_EQ(console[1], "hello\n");
    EXPECT_EQ(console.size(), 1U);
}

TEST_F(ConsoleIo, long_text_is_sent_in_bounded_parts) {
    for (uint64_t n = 0; n < 10000; ++n) {
        domain.at<char>(text + n) = static_cast<char>('a' + n % 26);
    }
    EXPECT_EQ(guest.call(Hypercall::console_io, 0, 10000, text), 0);
    EXPECT_GT(guest.rounds(), 1U);
    ASSERT_EQ(console[1].size(), 10000U);
    EXPECT_EQ(console[1][9999], 'a' + 9999 % 26);
}

TEST_F(ConsoleIo, text_that_finds_no_room_is_offered_again) {
    std::memcpy(domain.page(hv::Gfn{8}), "hello\n", 6);
    console_refusals = 3;
    EXPECT_EQ(guest.call(Hypercall::console_io, 0, 6, text), 0);
    EXPECT_EQ(guest.rounds(), 4U);
    EXPECT_EQ(console[1], "hello\n");
    EXPECT_TRUE(machine.sched.is_yielding) << "others run meanwhile";
}

TEST_F(ConsoleIo, bits_above_the_count_mean_nothing) {
    std::memcpy(domain.page(hv::Gfn{8}), "hello\n", 6);
    EXPECT_EQ(guest.call(Hypercall::console_io, 0, 2UL << 32 | 6, text), 0);
    EXPECT_EQ(console[1], "hello\n");
}

TEST_F(ConsoleIo, text_that_ends_in_nothing_is_a_fault) {
    EXPECT_EQ(guest.call(Hypercall::console_io, 0, 6, Guest::not_mapped), minus(Errno::XEN_EFAULT));
    EXPECT_EQ(guest.call(Hypercall::console_io, 0, 0xffffffff, text), minus(Errno::XEN_EFAULT));
    EXPECT_EQ(guest.call(Hypercall::console_io, 0, 0, Guest::not_mapped), 0);
}

TEST_F(ConsoleIo, services_are_told_from_guests) {
    using hv::dev::UartSender;
    for (const launch::Role role : {launch::Role::Tpm, launch::Role::Console}) {
        domain.domain().roles.add(role);
        EXPECT_EQ(guest.call(Hypercall::console_io, 0, 6, text), 0);
        EXPECT_EQ(console_sender,
                  role == launch::Role::Tpm ? UartSender::Guest : UartSender::Service);
    }
}

TEST_F(ConsoleIo, only_the_console_service_writes_for_others) {
    std::memcpy(domain.page(hv::Gfn{8}), "hello\n", 6);
    EXPECT_EQ(write_for(2, 6), minus(Errno::XEN_EPERM));
    EXPECT_TRUE(console.empty());
    domain.domain().roles.add(launch::Role::Console);
    EXPECT_EQ(write_for(2, 6), 0);
    EXPECT_EQ(console[2], "hello\n");
    EXPECT_EQ(console.size(), 1U);
    EXPECT_EQ(write_for(99, 6), minus(Errno::XEN_ESRCH));
    EXPECT_EQ(write_for(2, 6, 16), minus(Errno::XEN_EINVAL));
}

TEST_F(ConsoleIo, the_channels_of_a_domain_are_told_apart) {
    domain.domain().roles.add(launch::Role::Console);
    std::memcpy(domain.page(hv::Gfn{8}), "hello\n", 6);
    EXPECT_EQ(write_for(2, 5000, 3), 0);
    EXPECT_EQ(write_for(2, 6, 15), 0);
    EXPECT_EQ(channels[(ChannelName{2, 3})].size(), 5000U);
    EXPECT_EQ(channels[(ChannelName{2, 15})], "hello\n");
    EXPECT_TRUE(console.empty());
}

TEST_F(ConsoleIo, only_the_console_service_tells_of_room) {
    EXPECT_EQ(room_for(2, 6), minus(Errno::XEN_EPERM));
    domain.domain().roles.add(launch::Role::Console);
    EXPECT_EQ(room_for(2, 0xffff, 4), 0);
    EXPECT_EQ(room[(ChannelName{2, 4})], 0xffff);
    EXPECT_EQ(room_for(2, 0x10000), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(room_for(2, 1, 16), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(room_for(99, 1), minus(Errno::XEN_ESRCH));
    EXPECT_EQ(room.size(), 1U);
}

TEST_F(ConsoleIo, long_text_for_others_stays_theirs) {
    domain.domain().roles.add(launch::Role::Console);
    EXPECT_EQ(write_for(2, 5000), 0);
    EXPECT_EQ(console[2].size(), 5000U);
    EXPECT_EQ(console.size(), 1U);
}

TEST_F(ConsoleIo, only_the_console_service_reads) {
    input = "what the host sent";
    EXPECT_EQ(guest.call(Hypercall::console_io, 1, 6, text), minus(Errno::XEN_EPERM));
    domain.domain().roles.add(launch::Role::Console);
    EXPECT_EQ(guest.call(Hypercall::console_io, 1, 9, text), 9);
    EXPECT_EQ(std::memcmp(domain.page(hv::Gfn{8}), "what the \0", 10), 0);
    EXPECT_EQ(guest.call(Hypercall::console_io, 1, 0xffffffff, text), 9);
    EXPECT_EQ(guest.call(Hypercall::console_io, 1, 9, text), 0);
}

TEST_F(ConsoleIo, other_commands_are_none) {
    EXPECT_EQ(guest.call(Hypercall::console_io, 2, 6, text), minus(Errno::XEN_ENOSYS));
}

}  // namespace
