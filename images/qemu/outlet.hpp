// SPDX-License-Identifier: Apache-2.0
// Outlet: where one console or channel of a domain comes out on this machine, as a pseudo-terminal
// or as a socket that listens. What the domain says is kept until somebody reads it, up to a limit;
// nothing here ever blocks. Used by Outlets.
#pragma once

#include "images/qemu/backlog.hpp"
#include "images/qemu/failure.hpp"
#include "images/qemu/unique_fd.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>

namespace images {

class Outlet {
  public:
    // What waits for a reader; the oldest of more is dropped. The log has all of it.
    static constexpr size_t max_waiting = size_t{1} << 20;

    // A raw terminal; path() is its device.
    static Outcome<Outlet> open_terminal();
    // A socket at that path, which must be short (sockaddr_un). It has one client at a time.
    static Outcome<Outlet> open_socket(const std::filesystem::path& path);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    void write(std::string_view bytes);
    // At most so many bytes that somebody has written there.
    std::string read(size_t most);

    // Appends what is to be waited for. `wants_input`: the domain has room for bytes.
    void add_to(std::vector<pollfd>& fds, bool wants_input) const;
    // What poll found of one of those; true if read() may have something.
    bool serve(const pollfd& found);

  private:
    Outlet(std::filesystem::path path, UniqueFd listener, UniqueFd peer, UniqueFd slave);
    void accept_client();
    void flush();
    void drop_client();

    std::filesystem::path path_;
    UniqueFd listener_;  // of a socket
    UniqueFd peer_;      // the terminal's other side, or the client if there is one
    UniqueFd slave_;     // keeps the terminal alive while nobody has it open
    bool input_has_ended_ = false;
    Backlog waiting_{max_waiting};
};

}  // namespace images
