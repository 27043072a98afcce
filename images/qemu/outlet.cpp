// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/outlet.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

namespace images {

Outlet::Outlet(std::filesystem::path path, UniqueFd listener, UniqueFd peer, UniqueFd slave)
    : path_{std::move(path)},
      listener_{std::move(listener)},
      peer_{std::move(peer)},
      slave_{std::move(slave)} {}

Outcome<Outlet> Outlet::open_terminal() {
    UniqueFd master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
    std::array<char, 64> name{};
    if (!master.is_open() || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
        ::ptsname_r(master.get(), name.data(), name.size()) != 0) {
        return hv::Err{system_failure("cannot make a terminal", errno)};
    }
    UniqueFd slave{::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    termios settings{};
    if (!slave.is_open() || ::tcgetattr(slave.get(), &settings) != 0) {
        return hv::Err{system_failure(name.data(), errno)};
    }
    ::cfmakeraw(&settings);
    ::tcsetattr(slave.get(), TCSANOW, &settings);
    return Outlet{name.data(), UniqueFd{}, std::move(master), std::move(slave)};
}

Outcome<Outlet> Outlet::open_socket(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    if (text.size() >= sizeof address.sun_path) {
        return hv::Err{Failure{text + ": too long for the name of a socket"}};
    }
    std::copy(text.begin(), text.end(), address.sun_path);
    UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    // SAFETY: the address begins with its family, as every socket address does.
    if (!listener.is_open() ||
        ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener.get(), 1) != 0) {
        return hv::Err{system_failure(text, errno)};
    }
    return Outlet{path, std::move(listener), UniqueFd{}, UniqueFd{}};
}

void Outlet::write(std::string_view bytes) {
    waiting_.push(bytes);
    flush();
}

void Outlet::flush() {
    while (peer_.is_open() && !waiting_.empty()) {
        const std::string_view bytes = waiting_.bytes();
        // A client that is gone must not end us by a signal.
        const ssize_t sent = listener_.is_open()
                                 ? ::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL)
                                 : ::write(peer_.get(), bytes.data(), bytes.size());
        if (sent > 0) {
            waiting_.pop(static_cast<size_t>(sent));
        } else if (errno != EINTR) {
            if (errno != EAGAIN) {
                drop_client();
            }
            return;
        }
    }
}

std::string Outlet::read(size_t most) {
    std::string bytes(most, '\0');
    const ssize_t count = peer_.is_open() ? ::read(peer_.get(), bytes.data(), bytes.size()) : -1;
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) {
        input_has_ended_ = true;  // It may go on reading.
    } else if (count < 0 && peer_.is_open() && errno != EAGAIN && errno != EINTR) {
        drop_client();
    }
    return bytes;
}

void Outlet::add_to(std::vector<pollfd>& fds, bool wants_input) const {
    if (listener_.is_open() && !peer_.is_open()) {
        fds.push_back({listener_.get(), POLLIN, 0});
        return;
    }
    const int in = wants_input && !input_has_ended_ ? POLLIN : 0;
    const int out = waiting_.empty() ? 0 : POLLOUT;
    // The end of a client that has sent something is waited for only once that can be taken:
    // poll would tell of the end each time.
    if (in != 0 || out != 0 || input_has_ended_) {
        fds.push_back({peer_.get(), static_cast<short>(in | out), 0});
    }
}

bool Outlet::serve(const pollfd& found) {
    if (found.revents == 0) {
        return false;
    }
    if (found.fd == listener_.get()) {
        accept_client();
        return false;
    }
    if (found.fd != peer_.get()) {
        return false;
    }
    if ((found.revents & POLLOUT) != 0) {
        flush();
    }
    if (input_has_ended_ && (found.revents & (POLLHUP | POLLERR)) != 0) {
        drop_client();
        return false;
    }
    return peer_.is_open() && (found.events & POLLIN) != 0 &&
           (found.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

void Outlet::accept_client() {
    peer_ = UniqueFd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    input_has_ended_ = false;
    flush();
}

// A terminal has no client: it is there as long as we are.
void Outlet::drop_client() {
    if (listener_.is_open()) {
        peer_.reset();
    }
}

}  // namespace images
