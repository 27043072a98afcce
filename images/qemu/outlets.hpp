// SPDX-License-Identifier: Apache-2.0
// Outlets: every channel of a launch as a terminal or socket, and the domains' consoles as
// terminals for those who want that. Links to them are in the output directory, with a log of each
// channel: channels/DOMAIN/NAME.pty, NAME.socket, NAME.log; console/DOMAIN.pty. Hands on what the
// domains say and puts what is written there into the machine's UART, as much as each has room for.
#pragma once

#include "images/console/transcript.hpp"
#include "images/qemu/launch_consoles.hpp"
#include "images/qemu/outlet.hpp"
#include "images/qemu/temporary_directory.hpp"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>

namespace images {

class Outlets : public ConsolePeer {
  public:
    struct Options {
        bool consoles = false;  // a terminal for each domain's console, too
    };
    // What an outlet is, for people and programs.
    struct Description {
        LaunchConsole console;
        std::filesystem::path link;  // in the output directory
        std::filesystem::path path;  // of the terminal or the socket
    };

    // Removes what an earlier boot left in `directory`.
    static Outcome<Outlets> create(const std::filesystem::path& directory,
                                   const std::vector<LaunchConsole>& consoles, Options options);
    Outlets(Outlets&&) = default;
    Outlets(const Outlets&) = delete;
    Outlets& operator=(const Outlets&) = delete;
    // The links go: what they lead to does, too.
    ~Outlets() override;

    [[nodiscard]] const std::vector<Description>& descriptions() const { return descriptions_; }

    void on_output(UartStream from, std::string_view bytes) override;
    void on_room(UartStream to, size_t bytes) override;

    // For the event loop: appends what is to be waited for; then what was found, from the same
    // place on.
    void add_to(std::vector<pollfd>& fds) const;
    void serve(const std::vector<pollfd>& fds);
    // Frames on their way to the UART. The machine takes them from the front.
    [[nodiscard]] std::string& to_machine() { return to_machine_; }

  private:
    struct Line {
        Outlet outlet;
        size_t room = 0;  // that the domain has
        std::ofstream log{};
    };
    explicit Outlets(TemporaryDirectory sockets) : sockets_{std::move(sockets)} {}
    Outcome<void> open(const std::filesystem::path& directory, const LaunchConsole& console);
    void pass_input(UartStream to, Line& line);
    [[nodiscard]] bool is_backed_up() const;

    TemporaryDirectory sockets_;
    std::map<UartStream, Line> lines_;
    std::vector<Description> descriptions_;
    std::string to_machine_;
};

}  // namespace images
