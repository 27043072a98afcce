// SPDX-License-Identifier: Apache-2.0
// What becomes of frames when the UART takes them, late, slowly or not at all. Time passes with
// every access to the UART, as it does.
#include "hv/dev/uart_output.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace {

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t access_ns = 1'000;

struct FakeUart {
    uint64_t now_ns = 5 * ms;
    size_t room = ~size_t{0};  // bytes that the reader has room for
    std::string sent;
};

struct Port {
    FakeUart* uart = nullptr;
    bool is_ready() {
        uart->now_ns += access_ns;
        return uart->room >= 16;
    }
    void write(std::span<const char> bytes) {
        uart->now_ns += bytes.size() * access_ns;
        uart->room -= bytes.size();
        uart->sent.append(bytes.data(), bytes.size());
    }
    [[nodiscard]] uint64_t now_ns() const { return uart->now_ns; }
};

class UartOutput : public testing::Test {
  protected:
    static constexpr size_t capacity = 8192;
    void put(std::string_view text) { output.put({.source = 0xff, .payload = text}); }
    bool offer(std::string_view text) {
        return output.offer({.source = 1, .channel = 2, .payload = text},
                            hv::dev::UartSender::Guest);
    }
    // As a guest does that comes again and again.
    void write(std::string_view text) {
        while (!offer(text)) {
            uart.now_ns += 10 * ms;
        }
    }
    void fill() {
        while (offer(line)) {
        }
    }
    // The payloads of all that was sent, one behind the other; fails if it is not whole frames.
    [[nodiscard]] std::string payloads() const {
        std::string all;
        for (size_t at = 0; at < uart.sent.size();) {
            EXPECT_EQ(uart.sent[at], 0x1e) << "at " << at;
            const size_t size = std::stoul(uart.sent.substr(at + 4, 4), nullptr, 16);
            EXPECT_LE(at + 8 + size, uart.sent.size());
            all += uart.sent.substr(at + 8, size);
            at += 8 + size;
        }
        return all;
    }
    void read_all() {
        uart.room = ~size_t{0};
        while (!output.empty()) {
            output.pump();
        }
    }
    const std::string line = std::string(99, 'x') + "\n";
    FakeUart uart;
    hv::dev::UartOutput<Port, capacity> output{Port{&uart}};
};

TEST_F(UartOutput, ready_uart_gets_it_at_once) {
    put("event=x\n");
    EXPECT_TRUE(offer("hello\n"));
    EXPECT_TRUE(output.empty());
    EXPECT_EQ(uart.sent,
              "\x1e"
              "ff00008event=x\n"
              "\x1e"
              "0120006hello\n");
}

TEST_F(UartOutput, nobody_waits_for_a_reader) {
    uart.room = 0;
    const uint64_t start = uart.now_ns;
    put(line);
    for (int n = 0; n < 100; ++n) {
        static_cast<void>(offer(line));
    }
    EXPECT_LT(uart.now_ns - start, ms) << "with interrupts off";
    EXPECT_EQ(uart.sent, "");
    read_all();
    EXPECT_EQ(payloads().substr(0, line.size()), line);
}

TEST_F(UartOutput, one_turn_is_bounded_when_the_reader_is_back) {
    uart.room = 0;
    fill();
    uart.room = ~size_t{0};
    const uint64_t start = uart.now_ns;
    output.pump();
    EXPECT_FALSE(output.empty());
    EXPECT_LT(uart.now_ns - start, 3 * ms);
    read_all();
    EXPECT_EQ(payloads().size() % line.size(), 0U);
}

// A domain's own text waits behind what is there already.
TEST_F(UartOutput, one_offer_is_no_more_than_one_turn) {
    uart.room = 0;
    fill();
    uart.room = ~size_t{0};
    const uint64_t start = uart.now_ns;
    static_cast<void>(offer(line));
    EXPECT_FALSE(output.empty());
    EXPECT_LT(uart.now_ns - start, 3 * ms);
}

// Whatever guests do, the launch record gets through.
TEST_F(UartOutput, guests_leave_room_for_the_hypervisor) {
    uart.room = 0;
    fill();
    for (int n = 0; n < 9; ++n) {
        put("event=x\n");
    }
    read_all();
    const std::string all = payloads();
    EXPECT_EQ(all.substr(all.size() - 72).substr(0, 8), "event=x\n");
    EXPECT_EQ(all.find("lost"), std::string::npos);
}

// Short frames of a guest find room long before a long one does.
TEST_F(UartOutput, services_get_through_a_flood_of_guests) {
    const std::string text(512, 's');
    const auto serve = [&] {
        return output.offer({.source = 3, .channel = 0, .payload = text},
                            hv::dev::UartSender::Service);
    };
    uart.room = 0;
    int served = 0;
    for (int n = 0; n < 1000; ++n) {
        uart.room += 16;
        while (offer("x")) {
        }
        served += serve() ? 1 : 0;
    }
    EXPECT_GE(served, 1000 * 16 / 520);
    read_all();
    EXPECT_TRUE(offer("x"));
}

TEST_F(UartOutput, slow_reader_gets_everything) {
    uart.room = 0;
    fill();
    const size_t kept = 30;
    std::string expected;
    for (size_t n = 0; n < kept; ++n) {
        uart.now_ns += 900 * ms;
        uart.room += 128;
        write("more\n");
        expected += "more\n";
    }
    read_all();
    const std::string all = payloads();
    EXPECT_EQ(all.substr(all.size() - expected.size()), expected);
    EXPECT_EQ(all.find("lost"), std::string::npos);
}

TEST_F(UartOutput, what_nobody_reads_is_dropped_and_told_of) {
    uart.room = 0;
    fill();
    const uint64_t start = uart.now_ns;
    write(line);
    EXPECT_LT(uart.now_ns - start, 1100 * ms) << "no guest waits for longer";
    for (int n = 0; n < 9; ++n) {
        EXPECT_TRUE(offer(line)) << "nor again";
    }
    EXPECT_LT(uart.now_ns - start, 1100 * ms);
    read_all();
    EXPECT_TRUE(offer("later\n"));
    const std::string end = "nobody has read the UART: 1000 bytes are lost\nlater\n";
    const std::string all = payloads();
    EXPECT_EQ(all.substr(all.size() - end.size()), end);
}

TEST_F(UartOutput, the_hypervisors_own_are_counted_too) {
    uart.room = 0;
    fill();
    for (size_t n = 0; n < capacity / 100; ++n) {
        put(line);
    }
    read_all();
    EXPECT_NE(payloads().find(" bytes are lost\n"), std::string::npos);
}

}  // namespace
