// SPDX-License-Identifier: Apache-2.0
// How long one request of a domain may keep the Xenstore service from the others: the longest that
// its quotas allow, as multiples of an ordinary WRITE. The service's core alone, on the host.
#include "tests/unit/domb/xenstore/client.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace xenstore::test {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr uint16_t attacker = 1;
constexpr int watches_each = 120;

class Machine {
  public:
    explicit Machine(uint16_t domains) {
        for (uint16_t id = 0; id <= domains; ++id) {
            Guest& guest = guests_.emplace(id, id).first->second;
            check(server_.add_domain(guest.domain).ok());
            check(server_.connect(guest.domain, *guest.page).ok());
            if (id != 0) {
                const std::string home = "/local/domain/" + std::to_string(id);
                ask(0, XsType::XS_MKDIR, home + "|");
                ask(0, XsType::XS_SET_PERMS, home + "|n" + std::to_string(id) + "|");
            }
        }
        ask(0, XsType::XS_MKDIR, "/all|");
        ask(0, XsType::XS_SET_PERMS, "/all|b0|");
    }

    std::string ask(uint16_t id, XsType type, const std::string& payload, uint32_t tx = 0) {
        Guest& guest = guests_.at(id);
        const std::string bytes = encode(type, nul(payload), tx);
        longest_ = {};
        for (size_t sent = 0; sent < bytes.size();) {
            sent += guest.push(std::string_view{bytes}.substr(sent));
            const auto start = std::chrono::steady_clock::now();
            server_.serve(id);
            longest_ = std::max(longest_, Milliseconds{std::chrono::steady_clock::now() - start});
        }
        settle();
        check(guest.replies.size() == 1 && guest.replies.front().type() == type);
        const std::string reply = guest.replies.front().payload;
        guest.replies.clear();
        return reply;
    }
    // How long the last one kept the service busy at a time.
    [[nodiscard]] double longest() const { return longest_.count(); }

    void watch(uint16_t id, const std::string& path, int number) {
        ask(id, XsType::XS_WATCH, path + "|" + std::to_string(number) + "|");
    }
    // A transaction that writes `count` nodes of the directory, and is not over yet.
    uint32_t write_all(const std::string& directory, int count) {
        const std::string reply = ask(attacker, XsType::XS_TRANSACTION_START, "|");
        const auto tx = static_cast<uint32_t>(std::strtoul(reply.c_str(), nullptr, 10));
        for (int i = count; i > 0; --i) {
            ask(attacker, XsType::XS_WRITE, directory + "/" + std::to_string(i) + "|", tx);
        }
        return tx;
    }
    double end(uint32_t tx) {
        ask(attacker, XsType::XS_TRANSACTION_END, "T|", tx);
        return longest();
    }

  private:
    static void check(bool is_so) {
        if (!is_so) {
            std::fputs("a request was refused\n", stderr);
            std::exit(1);
        }
    }
    static Config config() {
        Config config;
        config.control = hv::DomainId{0};
        return config;
    }
    void settle() {
        for (bool is_busy = true; is_busy;) {
            is_busy = server_.serve_all();
            for (auto& [id, guest] : guests_) {
                is_busy = is_busy || guest.page->rsp_cons != guest.page->rsp_prod;
                guest.drain();
                guest.events.clear();
            }
        }
    }

    FakeOutside outside_;
    std::vector<std::byte> memory_ = std::vector<std::byte>(Server::memory_needed(config()));
    Server& server_ = Server::start(memory_, config(), outside_);
    std::map<uint16_t, Guest> guests_;
    Milliseconds longest_{};
};

double ordinary() {
    Machine machine{3};
    double shortest = 1e9;
    for (int i = 0; i < 1000; ++i) {
        machine.ask(attacker, XsType::XS_WRITE, "device/vbd/51712/state|4");
        shortest = std::min(shortest, machine.longest());
    }
    return shortest;
}

double many_nodes_with_a_long_name() {
    Machine machine{3};
    const std::string name(1900, 'n');
    for (int i = 0; i < watches_each; ++i) {
        machine.watch(attacker, name, i);
    }
    machine.end(machine.write_all(name, 950));
    return machine.end(machine.write_all(name, 950));
}

double many_nodes_far_below() {
    Machine machine{3};
    std::string directory = "d";
    for (int depth = 1; depth < 500; ++depth) {
        directory += "/d";
        if (depth % 5 == 0) {
            machine.watch(attacker, directory, depth);
        }
    }
    return machine.end(machine.write_all(directory, 450));
}

double a_list_within_a_transaction() {
    Machine machine{3};
    machine.end(machine.write_all("w", 950));
    const uint32_t tx = machine.write_all("w", 950);
    machine.ask(attacker, XsType::XS_DIRECTORY, "w|", tx);
    return machine.longest();
}

double many_that_watch() {
    constexpr uint16_t domains = 30;
    Machine machine{domains};
    for (uint16_t id = 1; id <= domains; ++id) {
        for (int i = 0; i < watches_each; ++i) {
            machine.watch(id, "/all", i);
        }
    }
    return machine.end(machine.write_all("/all", 950));
}

}  // namespace
}  // namespace xenstore::test

int main() {
    using namespace xenstore::test;
    const double base = ordinary();
    std::printf("WRITE of a device's state: %.4f ms\n", base);
    const auto print = [&](const char* what, double ms) {
        std::printf("%-64s %7.2f ms, %6.0f times that\n", what, ms, ms / base);
    };
    print("end of 950 writes below a name of 1900 bytes, 120 watches of it",
          many_nodes_with_a_long_name());
    print("end of 450 nodes made 500 levels down, 99 watches on the way", many_nodes_far_below());
    print("list of 950 nodes, all of them written in the transaction",
          a_list_within_a_transaction());
    print("end of 950 nodes made, 30 domains with 120 watches each", many_that_watch());
    return 0;
}
