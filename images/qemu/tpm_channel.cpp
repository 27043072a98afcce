// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/tpm_channel.hpp"

#include "hv/base/endian.hpp"
#include "measure/replay/pcrs.hpp"
#include "measure/tpm/commands.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace images {

namespace {

constexpr uint32_t CMD_SET_DATAFD = 0x10;  // swtpm's tpm_ioctl.h
constexpr uint32_t pcr_count = 24;         // [tcg-pfp] 3.3.4

Failure unexpected(const char* what) {
    return Failure{std::string{"swtpm: unexpected answer to "} + what};
}

// A TPM that says nothing for this long is broken.
void limit_waiting(int fd) {
    const timeval limit{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

Outcome<UniqueFd> connect_to(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = path.string();
    if (name.size() >= sizeof address.sun_path) {
        return hv::Err{Failure{name + ": too long for a socket"}};
    }
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    // SAFETY: the socket interface takes every address as sockaddr; the length says which it is.
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return hv::Err{system_failure("cannot connect to " + name, errno)};
    }
    limit_waiting(fd.get());
    return fd;
}

// Sends the number and, beside it, the descriptor.
bool send_descriptor(int socket, uint32_t number, int fd) {
    hv::Be<uint32_t> command{number};
    iovec data{.iov_base = &command, .iov_len = sizeof command};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> ancillary{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = ancillary.data();
    message.msg_controllen = ancillary.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return ::sendmsg(socket, &message, MSG_NOSIGNAL) == ssize_t{sizeof command};
}

}  // namespace

Outcome<TpmChannel> TpmChannel::open(const std::filesystem::path& socket) {
    UniqueFd control = TRY(connect_to(socket));
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return hv::Err{system_failure("cannot make a socket pair", errno)};
    }
    UniqueFd ours{ends[0]};
    const UniqueFd theirs{ends[1]};
    limit_waiting(ours.get());
    hv::Be<uint32_t> result{1};
    if (!send_descriptor(control.get(), CMD_SET_DATAFD, theirs.get()) ||
        ::recv(control.get(), &result, sizeof result, MSG_WAITALL) != ssize_t{sizeof result} ||
        result.load() != 0) {
        return hv::Err{unexpected("CMD_SET_DATAFD")};
    }
    return TpmChannel{std::move(control), std::move(ours)};
}

Outcome<std::vector<std::byte>> TpmChannel::transmit(std::span<const std::byte> command) const {
    if (::send(data_.get(), command.data(), command.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(command.size())) {
        return hv::Err{system_failure("cannot send to swtpm", errno)};
    }
    // swtpm writes a response at once, and there is only one under way.
    std::vector<std::byte> response(4096);
    const ssize_t count = ::recv(data_.get(), response.data(), response.size(), 0);
    if (count <= 0) {
        return hv::Err{system_failure("no answer from swtpm", count == 0 ? EPIPE : errno)};
    }
    response.resize(static_cast<size_t>(count));
    return response;
}

Outcome<std::string> TpmChannel::read_pcrs() const {
    measure::TpmBuffer buffer{};
    const auto capability = TRY(transmit(measure::encode_get_pcr_banks(buffer)));
    auto banks = measure::decode_get_pcr_banks(capability);
    if (!banks.ok()) {
        return hv::Err{unexpected("GetCapability")};
    }
    measure::PcrValues values;
    for (const measure::Algorithm bank : measure::all_algorithms) {
        for (uint32_t n = 0; banks.value().known.has(bank) && n < pcr_count; ++n) {
            const hv::PcrIndex pcr{n};
            const auto response = TRY(transmit(measure::encode_pcr_read(buffer, bank, pcr)));
            if (!measure::decode_pcr_read(response, bank, pcr, values[pcr]).ok()) {
                return hv::Err{unexpected("PCR_Read")};
            }
        }
    }
    return measure::pcrs_to_text(values);
}

}  // namespace images
