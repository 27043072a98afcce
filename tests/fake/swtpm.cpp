// SPDX-License-Identifier: Apache-2.0
#include "tests/fake/swtpm.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fake {
namespace {

constexpr uint8_t CMD_SET_LOCALITY = 5;  // swtpm's control channel

pid_t spawn(std::vector<std::string> words) {
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        execvp(argv[0], argv.data());
        _exit(127);
    }
    return child;
}

int connect_to(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    // About 20 seconds for the process to make its socket: the host may be busy.
    for (int attempt = 0; attempt < 2000; ++attempt) {
        const int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        // SAFETY: the socket interface takes every kind of address as sockaddr.
        if (connect(s, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
            const timeval limit{.tv_sec = 10, .tv_usec = 0};
            setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
            return s;
        }
        close(s);
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    throw std::runtime_error{"swtpm does not listen on " + path.string()};
}

bool receive(int s, std::span<std::byte> out) {
    while (!out.empty()) {
        const ssize_t n = read(s, out.data(), out.size());
        if (n <= 0) {
            return false;
        }
        out = out.subspan(static_cast<size_t>(n));
    }
    return true;
}

bool send(int s, std::span<const std::byte> bytes) {
    return write(s, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

Swtpm::Swtpm(const std::string& banks) {
    std::string name = (std::filesystem::temp_directory_path() / "gantry-swtpm-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error{"no temporary folder"};
    }
    folder_ = name;
    int status = -1;
    waitpid(spawn({"swtpm_setup", "--tpm2", "--tpmstate", name, "--pcr-banks", banks, "--createek",
                   "--logfile", name + "/setup.log"}),
            &status, 0);
    if (status != 0) {
        std::filesystem::remove_all(folder_);
        throw std::runtime_error{"swtpm_setup fails"};
    }
    process_ =
        spawn({"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + name, "--server",
               "type=unixio,path=" + name + "/data", "--ctrl",
               "type=unixio,path=" + name + "/control", "--flags", "not-need-init,startup-clear"});
    control_ = connect_to(folder_ / "control");
    data_ = connect_to(folder_ / "data");
}

Swtpm::~Swtpm() {
    close(data_);
    close(control_);
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
    std::filesystem::remove_all(folder_);
}

bool Swtpm::set_locality(uint32_t locality) {
    const std::array<std::byte, 5> request{std::byte{}, std::byte{}, std::byte{},
                                           std::byte{CMD_SET_LOCALITY},
                                           static_cast<std::byte>(locality)};
    std::array<std::byte, 4> result{};
    return send(control_, request) && receive(control_, result) &&
           result == std::array<std::byte, 4>{};
}

Bytes Swtpm::execute(uint32_t locality, std::span<const std::byte> command) {
    Bytes response(10);
    if (!set_locality(locality) || !send(data_, command) || !receive(data_, response)) {
        return {};
    }
    size_t size = 0;
    for (size_t at = 2; at < 6; ++at) {
        size = size << 8 | static_cast<size_t>(response[at]);
    }
    if (size < response.size() || size > 4096) {
        return {};
    }
    response.resize(size);
    return receive(data_, std::span{response}.subspan(10)) ? response : Bytes{};
}

}  // namespace fake
