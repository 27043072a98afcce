// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/monitor.hpp"

#include "images/qemu/unique_fd.hpp"

#include <array>
#include <string_view>

#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace images {

namespace {

// The answer of the command that returns text.
std::string text_in(std::string_view line) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    return json.is_object() && json.contains("return") && json["return"].is_string()
               ? json["return"].get<std::string>()
               : std::string{};
}

}  // namespace

std::string read_registers(const std::filesystem::path& socket) {
    const UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    socket.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};  // a busy host stops its CPUs late
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    constexpr std::string_view commands =
        R"({"execute":"qmp_capabilities"}{"execute":"stop"}{"execute":"human-monitor-command",)"
        R"("arguments":{"command-line":"info registers -a"}})";
    // SAFETY: how connect() takes an address of any family.
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::send(fd.get(), commands.data(), commands.size(), MSG_NOSIGNAL) < 0) {
        return {};
    }
    std::string line;
    std::array<char, 4096> bytes{};
    for (ssize_t size = 0; (size = ::recv(fd.get(), bytes.data(), bytes.size(), 0)) > 0;) {
        line.append(bytes.data(), static_cast<size_t>(size));
        for (size_t end = 0; (end = line.find('\n')) != std::string::npos; line.erase(0, end + 1)) {
            if (std::string text = text_in(std::string_view{line}.substr(0, end)); !text.empty()) {
                return text;
            }
        }
    }
    return {};
}

}  // namespace images
