// SPDX-License-Identifier: Apache-2.0
// Visitor: somebody at the other end of an outlet.
#pragma once

#include "images/qemu/unique_fd.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace images::test {

class Visitor {
  public:
    static Visitor connect(const std::filesystem::path& path) {
        UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path.native().begin(), path.native().end(), address.sun_path);
        // SAFETY: the address begins with its family, as every socket address does.
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
                  0);
        EXPECT_EQ(::fcntl(fd.get(), F_SETFL, O_NONBLOCK), 0);
        return Visitor{std::move(fd)};
    }
    static Visitor open(const std::filesystem::path& terminal) {
        UniqueFd fd{::open(terminal.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
        EXPECT_TRUE(fd.is_open());
        return Visitor{std::move(fd)};
    }

    void write(std::string_view bytes) {
        EXPECT_EQ(::write(fd_.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }
    // What is there now, or at least so many bytes: a terminal takes its time. Not for ever.
    std::string read(size_t least = 0) {
        std::string all;
        while (true) {
            take(all);
            pollfd fd{fd_.get(), POLLIN, 0};
            if (all.size() >= least || ::poll(&fd, 1, patience_ms) <= 0) {
                return all;
            }
        }
    }
    void end_writing() { ::shutdown(fd_.get(), SHUT_WR); }

    static constexpr int patience_ms = 5000;

  private:
    explicit Visitor(UniqueFd fd) : fd_{std::move(fd)} {}
    void take(std::string& all) {
        std::string part(size_t{1} << 16, '\0');
        for (ssize_t count = 0; (count = ::read(fd_.get(), part.data(), part.size())) > 0;) {
            all.append(part, 0, static_cast<size_t>(count));
        }
    }
    UniqueFd fd_;
};

}  // namespace images::test
