// SPDX-License-Identifier: Apache-2.0
// What disks, interfaces and Xenstore cost the programs of a stock Linux, for
// tests/bench/device_bench.py, whose init runs it with what is to be measured. The same on a
// machine with virtio. usage: device_bench pipe | disk DEVICE | net ADDRESS | sink | xenstore
#include "tests/linux/figures.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace {

using figures::report;
using figures::require;
using figures::time_of;

// --- Disk: one request at a time, past the page cache.

constexpr size_t sector = 4096;
constexpr size_t long_request = 128 * 1024;

class Disk {
  public:
    explicit Disk(const char* path) : fd_{open(path, O_RDWR | O_DIRECT)} {
        require(fd_ >= 0, path);
        require(ioctl(fd_, BLKGETSIZE64, &size_) == 0 && size_ >= long_request, "its size");
        require(posix_memalign(&memory_, sector, long_request) == 0, "memory");
        std::memset(memory_, 0x5a, long_request);
    }
    void read_at(uint64_t at, size_t length) {
        require(pread(fd_, memory_, length, static_cast<off_t>(at)) == static_cast<ssize_t>(length),
                "a read");
    }
    void write_at(uint64_t at, size_t length) {
        require(
            pwrite(fd_, memory_, length, static_cast<off_t>(at)) == static_cast<ssize_t>(length),
            "a write");
    }
    uint64_t next_in_order() {
        const uint64_t at = next_;
        next_ = (next_ + long_request) % (size_ - size_ % long_request);
        return at;
    }
    uint64_t next_at_random() {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return random_ % (size_ / sector) * sector;
    }

  private:
    int fd_;
    uint64_t size_ = 0;
    void* memory_ = nullptr;
    uint64_t next_ = 0;
    uint64_t random_ = 88172645463325252;
};

void measure_disk(const char* path) {
    constexpr uint64_t count = 12;
    Disk disk{path};
    const auto each = [&](const char* name, auto&& request) {
        report(name, count, [&] { return time_of(count, request); });
    };
    each("disk_read", [&] { disk.read_at(disk.next_in_order(), long_request); });
    each("disk_write", [&] { disk.write_at(disk.next_in_order(), long_request); });
    each("disk_read_4k", [&] { disk.read_at(disk.next_at_random(), sector); });
    each("disk_write_4k", [&] { disk.write_at(disk.next_at_random(), sector); });
}

// --- Net: a stream to a sink in the other domain, and echoes of its kernel.

constexpr uint16_t port = 7000;
constexpr size_t chunk = 64 * 1024;

sockaddr_in address_of(const char* text, uint16_t at_port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(at_port);
    require(inet_pton(AF_INET, text, &address.sin_addr) == 1, "an address");
    return address;
}

// SAFETY: what sockets take is declared as another struct than what they mean.
const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

// Takes everything of one connection after the other, and says so with one byte.
void be_sink() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in any = address_of("0.0.0.0", port);
    require(bind(listener, generic(any), sizeof(any)) == 0 && listen(listener, 4) == 0, "listen");
    std::puts("bench: sink is ready");
    std::fflush(stdout);
    std::vector<char> buffer(chunk);
    for (;;) {
        const int fd = accept(listener, nullptr, nullptr);
        require(fd >= 0, "accept");
        while (read(fd, buffer.data(), buffer.size()) > 0) {
        }
        require(write(fd, "k", 1) == 1, "the answer");
        close(fd);
    }
}

int connect_to(const char* address) {
    const sockaddr_in peer = address_of(address, port);
    for (int tries = 0; tries < 600; ++tries) {
        const int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, generic(peer), sizeof(peer)) == 0) {
            return fd;
        }
        close(fd);
        usleep(200000);
    }
    require(false, "connect");
    return -1;
}

void stream(const char* address) {
    constexpr uint64_t chunks = 16;
    const std::vector<char> data(chunk, 'x');
    report("stream", chunks, [&] {
        const int fd = connect_to(address);
        const uint64_t ns = time_of(1, [&] {
            for (size_t left = chunks * chunk; left != 0;) {
                const ssize_t sent = write(fd, data.data(), std::min(left, chunk));
                require(sent > 0, "send");
                left -= static_cast<size_t>(sent);
            }
            char byte = 0;
            shutdown(fd, SHUT_WR);
            require(read(fd, &byte, 1) == 1, "the sink's answer");
        });
        close(fd);
        return ns;
    });
}

uint16_t checksum(const void* data, size_t length) {
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i += 2) {
        uint16_t word = 0;
        std::memcpy(&word, static_cast<const char*>(data) + i, sizeof(word));
        sum += word;
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<uint16_t>(~sum);
}

struct Echo {
    icmphdr header;
    std::array<char, 56> payload;
};

// One echo there and back. Nobody else asks for any, and none is lost between two domains.
void ping_once(int fd, const sockaddr_in& peer, uint16_t number) {
    Echo echo{};
    echo.header.type = ICMP_ECHO;
    echo.header.un.echo.sequence = htons(number);
    echo.header.checksum = checksum(&echo, sizeof(echo));
    require(sendto(fd, &echo, sizeof(echo), 0, generic(peer), sizeof(peer)) == sizeof(echo),
            "an echo's request");
    struct {
        iphdr ip;
        Echo echo;
    } answer{};
    do {
        require(recv(fd, &answer, sizeof(answer), 0) > 0, "an echo's reply");
    } while (answer.echo.header.type != ICMP_ECHOREPLY ||
             answer.echo.header.un.echo.sequence != htons(number));
}

void ping(const char* address) {
    constexpr uint64_t count = 20;
    const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    require(fd >= 0, "a raw socket");
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    const sockaddr_in peer = address_of(address, 0);
    uint16_t number = 0;
    report("ping", count, [&] { return time_of(count, [&] { ping_once(fd, peer, ++number); }); });
    close(fd);
}

// --- Xenstore, by the kernel's device. The numbers are those of io/xs_wire.h.
constexpr uint32_t xs_read = 2;
constexpr uint32_t xs_watch = 4;
constexpr uint32_t xs_transaction_start = 6;
constexpr uint32_t xs_transaction_end = 7;
constexpr uint32_t xs_write = 11;
constexpr uint32_t xs_watch_event = 15;

struct Message {
    uint32_t type, id, transaction, length;
    std::string payload;
};

class Xenstore {
  public:
    Xenstore() : fd_{open("/dev/xen/xenbus", O_RDWR)} { require(fd_ >= 0, "/dev/xen/xenbus"); }

    void send(uint32_t type, uint32_t transaction, std::string_view payload) {
        const std::array<uint32_t, 4> header{type, ++id_, transaction,
                                             static_cast<uint32_t>(payload.size())};
        std::string bytes(sizeof(header), '\0');
        std::memcpy(bytes.data(), header.data(), sizeof(header));
        bytes += payload;
        require(write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
                "a request");
    }
    Message receive() {
        std::array<uint32_t, 4> header{};
        take(header.data(), sizeof(header));
        Message message{header[0], header[1], header[2], header[3], std::string(header[3], '\0')};
        take(message.payload.data(), message.length);
        return message;
    }
    // The answer's payload; `bench: FAILED` when it is an error, or something else.
    std::string ask(uint32_t type, uint32_t transaction, std::string_view payload) {
        send(type, transaction, payload);
        const Message answer = receive();
        require(answer.type == type && answer.id == id_, "an answer of Xenstore");
        return answer.payload;
    }

  private:
    void take(void* to, size_t count) {
        for (auto* at = static_cast<char*>(to); count != 0;) {
            const ssize_t got = read(fd_, at, count);
            require(got > 0, "reading Xenstore");
            at += got;
            count -= static_cast<size_t>(got);
        }
    }

    int fd_;
    uint32_t id_ = 0;
};

using namespace std::string_view_literals;

void transaction(Xenstore& store) {
    const std::string text = store.ask(xs_transaction_start, 0, "\0"sv);
    const auto id = static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
    store.ask(xs_read, id, "data/bench\0"sv);
    store.ask(xs_write, id, "data/bench\0value"sv);
    store.ask(xs_transaction_end, id, "T\0"sv);
}

// Sends what fires the watch, and waits for its answer and the event, whichever comes first.
void fire_watch(Xenstore& store, uint32_t request, std::string_view payload) {
    store.send(request, 0, payload);
    bool is_told = false;
    bool is_answered = false;
    while (!is_told || !is_answered) {
        const uint32_t type = store.receive().type;
        is_told |= type == xs_watch_event;
        is_answered |= type == request;
        require(type == xs_watch_event || type == request, "a watch's answer of Xenstore");
    }
}

void measure_xenstore() {
    constexpr uint64_t count = 50;
    Xenstore store;
    store.ask(xs_write, 0, "data/bench\0value"sv);
    const auto each = [&](const char* name, auto&& request) {
        report(name, count, [&] { return time_of(count, request); });
    };
    each("xs_read", [&] { store.ask(xs_read, 0, "data/bench\0"sv); });
    each("xs_write", [&] { store.ask(xs_write, 0, "data/bench\0value"sv); });
    each("xs_transaction", [&] { transaction(store); });
    fire_watch(store, xs_watch, "data/watched\0token\0"sv);  // Every watch fires at the start.
    each("xs_watch", [&] { fire_watch(store, xs_write, "data/watched\0value"sv); });
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "pipe") {
        figures::context_switch();
    } else if (what == "disk" && argc == 3) {
        measure_disk(argv[2]);
    } else if (what == "net" && argc == 3) {
        ping(argv[2]);
        stream(argv[2]);
    } else if (what == "sink") {
        be_sink();
    } else if (what == "xenstore") {
        measure_xenstore();
    } else {
        require(false, "usage");
    }
}
