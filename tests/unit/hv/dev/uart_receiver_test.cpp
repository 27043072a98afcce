// SPDX-License-Identifier: Apache-2.0
// The receiving half of the UART, on a 16550 in memory whose host has flow control, as QEMU's has.
#include "hv/dev/uart_receiver.hpp"

#include <deque>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace hv::dev;

// Receives into a FIFO of 16 bytes; what the host sends beyond that waits with the host.
class Fake16550 {
  public:
    void send(const std::string& bytes) {
        host_.insert(host_.end(), bytes.begin(), bytes.end());
        fill();
    }
    uint8_t in(uint16_t port) {
        if (port == com1 + LSR) {
            return lsr_thr_empty | (fifo_.empty() ? 0 : lsr_data_ready);
        }
        EXPECT_EQ(port, com1 + RBR);
        EXPECT_FALSE(fifo_.empty()) << "nothing is there";
        const char c = fifo_.front();
        fifo_.pop_front();
        fill();
        return static_cast<uint8_t>(c);
    }
    void out(uint16_t port, uint8_t value) {
        (port == com1 + IER ? ier_ : mcr_) = value;
        EXPECT_TRUE(port == com1 + IER || port == com1 + MCR);
    }
    // The line to the interrupt controller.
    [[nodiscard]] bool interrupts() const {
        return !fifo_.empty() && (ier_ & ier_data_available) != 0 && (mcr_ & mcr_out2) != 0;
    }
    [[nodiscard]] size_t still_here() const { return fifo_.size() + host_.size(); }

  private:
    void fill() {
        while (fifo_.size() < 16 && !host_.empty()) {
            fifo_.push_back(host_.front());
            host_.pop_front();
        }
    }
    std::deque<char> fifo_;
    std::deque<char> host_;
    uint8_t ier_ = 0;
    uint8_t mcr_ = 0;
};

struct Ports {
    Fake16550* uart;
    [[nodiscard]] uint8_t in(uint16_t port) const { return uart->in(port); }
    void out(uint16_t port, uint8_t value) const { uart->out(port, value); }
};

std::string letters(size_t count) {
    std::string text(count, ' ');
    for (size_t i = 0; i < count; ++i) {
        text[i] = static_cast<char>('a' + i % 26);
    }
    return text;
}

class Receiver : public testing::Test {
  protected:
    static constexpr size_t capacity = 100;

    std::string read(size_t most) {
        std::string text(most, '?');
        text.resize(receiver.read(text));
        return text;
    }

    Fake16550 uart;
    UartReceiver<Ports, capacity> receiver{Ports{&uart}};
};

TEST_F(Receiver, takes_the_interrupt_once_it_has_started) {
    uart.send("x");
    EXPECT_FALSE(uart.interrupts());
    receiver.start();
    EXPECT_TRUE(uart.interrupts());
    EXPECT_TRUE(receiver.take());
    EXPECT_FALSE(uart.interrupts());
    EXPECT_EQ(read(10), "x");
}

TEST_F(Receiver, has_nothing_where_nothing_came) {
    receiver.start();
    EXPECT_FALSE(receiver.take());
    EXPECT_EQ(read(10), "");
    uart.send("abc");
    EXPECT_TRUE(receiver.take());
    EXPECT_TRUE(receiver.take()) << "it is still unread";
    EXPECT_EQ(read(2), "ab");
    EXPECT_EQ(read(2), "c");
    EXPECT_FALSE(receiver.take());
}

TEST_F(Receiver, leaves_with_the_host_what_does_not_fit) {
    receiver.start();
    uart.send(letters(250));
    EXPECT_TRUE(receiver.take());
    EXPECT_EQ(uart.still_here(), 150U);
    EXPECT_FALSE(uart.interrupts()) << "it would not end";
    EXPECT_TRUE(receiver.take());
    EXPECT_EQ(uart.still_here(), 150U);
}

// The service that reads has hung up, or is slow.
TEST_F(Receiver, goes_on_when_somebody_reads_again) {
    receiver.start();
    uart.send(letters(250));
    receiver.take();
    EXPECT_EQ(read(0), "");
    EXPECT_FALSE(uart.interrupts());
    std::string all = read(1);
    EXPECT_TRUE(uart.interrupts());
    while (receiver.take()) {
        all += read(7);
    }
    EXPECT_EQ(all, letters(250));
    EXPECT_EQ(uart.still_here(), 0U);
    uart.send("later");
    EXPECT_TRUE(uart.interrupts());
}

TEST_F(Receiver, full_buffer_without_more_to_come_holds_up_nobody) {
    receiver.start();
    uart.send(letters(capacity));
    EXPECT_TRUE(receiver.take());
    EXPECT_EQ(read(capacity), letters(capacity));
    EXPECT_FALSE(uart.interrupts());
    uart.send("more");
    EXPECT_TRUE(uart.interrupts());
}

struct NoPorts {
    static uint8_t in(uint16_t) { return 0xff; }
    static void out(uint16_t, uint8_t) {}
};

TEST(ReceiverWithoutUart, hears_nothing) {
    UartReceiver<NoPorts, 8> receiver;
    receiver.start();
    EXPECT_FALSE(receiver.take());
}

}  // namespace
