// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/outlets.hpp"

#include "hv/base/text.hpp"
#include "images/qemu/boot_output.hpp"

#include <algorithm>
#include <system_error>

namespace images {

namespace {

using std::filesystem::path;

constexpr size_t most_at_a_time = 1024;       // from one outlet, so that all take turns
constexpr size_t most_on_the_way = 64 << 10;  // to the machine
constexpr size_t max_log_bytes = size_t{64} << 20;

path link_of(const path& directory, const LaunchConsole& console) {
    if (console.channel.empty()) {
        return directory / "console" / (safe_file_name(console.domain) + ".pty");
    }
    return directory / "channels" / safe_file_name(console.domain) /
           (safe_file_name(console.channel) + "." + std::string{to_string(console.end)});
}

}  // namespace

Outcome<Outlets> Outlets::create(const path& directory, const std::vector<LaunchConsole>& consoles,
                                 Options options) {
    std::error_code ignored;  // making them anew tells
    std::filesystem::remove_all(directory / "channels", ignored);
    Outlets outlets{TRY(TemporaryDirectory::create())};
    for (const LaunchConsole& console : consoles) {
        if (!console.channel.empty() || options.consoles) {
            TRY(outlets.open(directory, console));
        }
    }
    return outlets;
}

Outcome<void> Outlets::open(const path& directory, const LaunchConsole& console) {
    const path link = link_of(directory, console);
    const bool is_socket = console.end == launch::ChannelEnd::Socket;
    const path socket = sockets_.path() / std::to_string(descriptions_.size());
    Line line{.outlet = TRY(is_socket ? Outlet::open_socket(socket) : Outlet::open_terminal())};
    std::error_code error;
    std::filesystem::create_directories(link.parent_path(), error);
    std::filesystem::remove(link, error);
    std::filesystem::create_symlink(line.outlet.path(), link, error);
    if (error) {
        return hv::Err{Failure{link.string() + ": " + error.message()}};
    }
    if (!console.channel.empty()) {
        path log = link;
        log.replace_extension("log");
        line.log.open(log, std::ios::binary | std::ios::trunc);
    }
    descriptions_.push_back({console, link, line.outlet.path()});
    lines_.emplace(console.stream, std::move(line));
    return hv::Ok{};
}

Outlets::~Outlets() {
    for (const Description& description : descriptions_) {
        std::error_code ignored;  // nobody is left to tell
        std::filesystem::remove(description.link, ignored);
    }
}

void Outlets::on_output(UartStream from, std::string_view bytes) {
    const auto found = lines_.find(from);
    if (found == lines_.end()) {
        return;
    }
    Line& line = found->second;
    line.outlet.write(bytes);
    if (line.log.is_open() && line.log.tellp() < static_cast<std::streamoff>(max_log_bytes)) {
        line.log.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        line.log.flush();  // somebody may follow it
    }
}

void Outlets::on_room(UartStream to, size_t bytes) {
    const auto found = lines_.find(to);
    if (found != lines_.end()) {
        found->second.room += bytes;
    }
}

bool Outlets::is_backed_up() const {
    return to_machine_.size() >= most_on_the_way;
}

void Outlets::add_to(std::vector<pollfd>& fds) const {
    for (const auto& [stream, line] : lines_) {
        line.outlet.add_to(fds, line.room > 0 && !is_backed_up());
    }
}

void Outlets::serve(const std::vector<pollfd>& fds) {
    for (auto& [stream, line] : lines_) {
        for (const pollfd& found : fds) {
            if (line.outlet.serve(found)) {
                pass_input(stream, line);
            }
        }
    }
}

void Outlets::pass_input(UartStream to, Line& line) {
    const std::string bytes = line.outlet.read(std::min(line.room, most_at_a_time));
    if (bytes.empty()) {
        return;
    }
    line.room -= bytes.size();
    hv::TextOf<hv::abi::uart_frame_header_bytes> header;
    header.put(hv::abi::uart_frame_start).hex(to.source, 2).hex(to.channel, 1);
    to_machine_ += header.hex(bytes.size(), 4).view();
    to_machine_ += bytes;
}

}  // namespace images
