// SPDX-License-Identifier: Apache-2.0
// A TPM that goes wrong: stands between QEMU and swtpm and passes everything on until a launch has
// extended its PCRs AT - 1 times. Used by tpm.sh; knows no TPM commands but PCR_Extend and
// PCR_Reset. usage: faulty_tpm SOCKET SWTPM_SOCKET HOW AT
//     fail     that command, and only it, answers TPM_RC_FAILURE
//     garbage  from then on every answer is nonsense
//     long     from then on every answer says that it is longer than it is
//     mute     from then on there is no answer
//     gone     the connection breaks
//     lie      that command answers success and does nothing
//     bound    whatever AT is, PCR_Reset answers TPM_RC_LOCALITY: a TPM without locality 2
#include "hv/base/endian.hpp"
#include "images/qemu/unique_fd.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

using images::UniqueFd;
using Bytes = std::vector<uint8_t>;

constexpr uint32_t CMD_SET_DATAFD = 0x10;  // swtpm's tpm_ioctl.h
constexpr uint32_t TPM_CC_PCR_Extend = 0x182;
constexpr uint32_t TPM_CC_PCR_Reset = 0x13d;
constexpr size_t most_bytes = 8192;

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::exit(2);
}

uint32_t number_at(const Bytes& bytes, size_t offset) {
    hv::Be<uint32_t> value{0};
    if (bytes.size() < offset + sizeof value) {
        return 0;
    }
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value.load();
}

struct Message {
    Bytes bytes;  // empty: the other side is gone
    UniqueFd fd;
};

// What is there, and a descriptor if one comes along.
Message receive(int socket) {
    Message message;
    message.bytes.resize(most_bytes);
    iovec data{.iov_base = message.bytes.data(), .iov_len = message.bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> ancillary{};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = ancillary.data();
    header.msg_controllen = ancillary.size();
    const ssize_t count = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    message.bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
    if (const cmsghdr* found = CMSG_FIRSTHDR(&header);
        found != nullptr && found->cmsg_type == SCM_RIGHTS) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(found), sizeof fd);
        message.fd = UniqueFd{fd};
    }
    return message;
}

void send(int socket, const Bytes& bytes, int fd = -1) {
    iovec data{.iov_base = const_cast<uint8_t*>(bytes.data()), .iov_len = bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> ancillary{};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    if (fd >= 0) {
        header.msg_control = ancillary.data();
        header.msg_controllen = ancillary.size();
        cmsghdr* control = CMSG_FIRSTHDR(&header);
        control->cmsg_level = SOL_SOCKET;
        control->cmsg_type = SCM_RIGHTS;
        control->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(control), &fd, sizeof fd);
    }
    if (::sendmsg(socket, &header, MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
        give_up("send");
    }
}

sockaddr_un address_of(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

// The name is there when somebody listens.
UniqueFd accept_one(const char* path) {
    const std::string early_name = std::string{path} + ".early";
    const sockaddr_un address = address_of(early_name.c_str());
    const UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    // SAFETY: the socket interface takes every address as sockaddr; here and below.
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener.get(), 1) != 0 || std::rename(early_name.c_str(), path) != 0) {
        give_up(path);
    }
    return UniqueFd{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
}

// Whose name may be there before it listens.
UniqueFd connect_to(const char* path) {
    const sockaddr_un address = address_of(path);
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    for (int attempt = 0;
         ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0;
         ++attempt) {
        if (errno != ECONNREFUSED || attempt == 1000) {
            give_up(path);
        }
        ::usleep(10'000);
    }
    return socket;
}

class FaultyTpm {
  public:
    FaultyTpm(const char* socket, const char* swtpm, std::string how, unsigned at)
        : how_{std::move(how)},
          at_{at},
          swtpm_control_{connect_to(swtpm)},
          control_{accept_one(socket)} {}

    // Until QEMU is gone, or we are.
    void run() {
        while (step()) {
        }
    }

  private:
    bool step() {
        std::array<pollfd, 4> fds{
            pollfd{control_.get(), POLLIN, 0}, pollfd{swtpm_control_.get(), POLLIN, 0},
            pollfd{data_.get(), POLLIN, 0}, pollfd{swtpm_data_.get(), POLLIN, 0}};
        if (::poll(fds.data(), fds.size(), -1) < 0) {
            return false;
        }
        return (fds[0].revents == 0 || take_control()) &&
               (fds[1].revents == 0 || pass_on(swtpm_control_, control_)) &&
               (fds[2].revents == 0 || take_command()) &&
               (fds[3].revents == 0 || pass_on(swtpm_data_, data_));
    }

    static bool pass_on(const UniqueFd& from, const UniqueFd& to) {
        const Message message = receive(from.get());
        if (!message.bytes.empty()) {
            send(to.get(), message.bytes);
        }
        return !message.bytes.empty();
    }

    // The data connection comes as a descriptor; we put ourselves in its middle.
    bool take_control() {
        Message message = receive(control_.get());
        if (message.bytes.empty()) {
            return false;
        }
        if (number_at(message.bytes, 0) != CMD_SET_DATAFD) {
            send(swtpm_control_.get(), message.bytes);
            return true;
        }
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
            give_up("socketpair");
        }
        data_ = std::move(message.fd);
        swtpm_data_ = UniqueFd{ends[0]};
        const UniqueFd theirs{ends[1]};
        send(swtpm_control_.get(), message.bytes, theirs.get());
        return true;
    }

    // Whether the command extends a PCR of the launch plan; SeaBIOS has its own.
    static bool is_of_launch(const Bytes& command) {
        const uint32_t pcr = number_at(command, 10);
        return number_at(command, 6) == TPM_CC_PCR_Extend && (pcr == 12 || pcr == 13 || pcr == 21);
    }

    bool take_command() {
        const Message message = receive(data_.get());
        if (message.bytes.empty()) {
            return false;
        }
        count_ += is_of_launch(message.bytes) ? 1 : 0;
        const bool is_it = count_ == at_ && is_of_launch(message.bytes);
        const bool is_broken = count_ >= at_;
        if (how_ == "gone" && is_broken) {
            return false;
        }
        if (how_ == "bound" && number_at(message.bytes, 6) == TPM_CC_PCR_Reset) {
            send(data_.get(), {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x07});
        } else if (how_ == "fail" && is_it) {
            send(data_.get(), {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x01});
        } else if (how_ == "lie" && is_it) {
            send(data_.get(), {0x80, 0x02, 0, 0, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0});
        } else if (how_ == "garbage" && is_broken) {
            Bytes answer(64, 0xa5);
            std::memcpy(answer.data() + 2, "\0\0\0\x40", 4);
            send(data_.get(), answer);
        } else if (how_ == "long" && is_broken) {
            send(data_.get(), {0x80, 0x02, 0, 0, 0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0, 0});
        } else if (how_ != "mute" || !is_broken) {
            send(swtpm_data_.get(), message.bytes);
        }
        return true;
    }

    std::string how_;
    unsigned at_;
    unsigned count_ = 0;
    UniqueFd swtpm_control_;
    UniqueFd control_;
    UniqueFd data_;
    UniqueFd swtpm_data_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: faulty_tpm SOCKET SWTPM_SOCKET HOW AT\n");
        return 2;
    }
    FaultyTpm{argv[1], argv[2], argv[3], static_cast<unsigned>(std::atoi(argv[4]))}.run();
    return 0;
}
