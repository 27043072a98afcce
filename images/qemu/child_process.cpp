// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace images {

namespace {

using std::chrono::steady_clock;

struct Pipe {
    UniqueFd read;
    UniqueFd write;
};

// The ends of the child's standard input; a socket, so that writing to a child that is gone sends
// no signal.
Outcome<Pipe> make_input(bool is_wanted) {
    if (!is_wanted) {
        return Pipe{.read = UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}, .write = {}};
    }
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return hv::Err{system_failure("cannot make a socket", errno)};
    }
    return Pipe{.read = UniqueFd{ends[0]}, .write = UniqueFd{ends[1]}};
}

Outcome<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return hv::Err{system_failure("cannot make a pipe", errno)};
    }
    return Pipe{.read = UniqueFd{ends[0]}, .write = UniqueFd{ends[1]}};
}

// What the child does between fork and exec. Returns only when it cannot become the program.
struct StandardFds {
    int input;
    int output;
    int errors;
};
void become(const ChildProcess::Program& program, pid_t parent, const StandardFds& fds) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(127);  // the parent died before prctl
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::dup2(fds.input, 0) < 0 || ::dup2(fds.output, 1) < 0 || ::dup2(fds.errors, 2) < 0 ||
        ::chdir(program.directory.c_str()) != 0) {
        return;
    }
    std::vector<char*> arguments;
    for (const std::string& argument : program.arguments) {
        arguments.push_back(const_cast<char*>(argument.c_str()));  // execvp writes to none of them
    }
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
}

int shell_status(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Appends what is there; false at the end of the stream.
bool read_some(int fd, std::string& text) {
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count > 0) {
        text.append(buffer.data(), static_cast<size_t>(count));
    }
    return count > 0 || (count < 0 && errno == EINTR);
}

}  // namespace

Outcome<ChildProcess> ChildProcess::start(const Program& program) {
    Pipe input = TRY(make_input(program.has_input));
    Pipe output = TRY(make_pipe());
    Pipe errors = TRY(make_pipe());
    Pipe failed = TRY(make_pipe());  // carries errno when exec does not happen
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return hv::Err{system_failure("cannot start " + program.arguments.front(), errno)};
    }
    if (pid == 0) {
        become(program, parent,
               {.input = input.read.get(),
                .output = output.write.get(),
                .errors = errors.write.get()});
        const int error = errno;
        [[maybe_unused]] const auto sent = ::write(failed.write.get(), &error, sizeof error);
        ::_exit(127);
    }
    ::setpgid(pid, pid);  // as the child does: whoever comes first
    ChildProcess child{pid, std::move(input.write), std::move(output.read), std::move(errors.read)};
    failed.write.reset();
    int error = 0;
    if (::read(failed.read.get(), &error, sizeof error) == sizeof error) {
        return hv::Err{system_failure("cannot start " + program.arguments.front(), error)};
    }
    return child;
}

ChildProcess::ChildProcess(pid_t pid, UniqueFd input, UniqueFd output, UniqueFd errors)
    : pid_{pid}, input_{std::move(input)}, output_{std::move(output)}, errors_{std::move(errors)} {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)},
      status_{other.status_},
      input_{std::move(other.input_)},
      output_{std::move(other.output_)},
      errors_{std::move(other.errors_)} {}

ChildProcess::~ChildProcess() {
    if (pid_ > 0) {
        kill();
    }
}

std::optional<int> ChildProcess::poll_status() {
    int status = 0;
    if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
        status_ = shell_status(status);
    }
    return status_;
}

int ChildProcess::wait(std::chrono::milliseconds limit) {
    const auto deadline = steady_clock::now() + limit;
    while (!poll_status() && steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    if (!poll_status()) {
        kill();
    }
    return *status_;
}

void ChildProcess::ask_to_end() const {
    if (!status_) {
        ::kill(-pid_, SIGTERM);
    }
}

void ChildProcess::kill() {
    // The group also has what the program started. Its number is not reused while a member lives.
    if (!status_) {
        ::kill(-pid_, SIGKILL);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        status_ = shell_status(status);
    }
}

Outcome<FinishedProgram> run_program(const ChildProcess::Program& program,
                                     std::chrono::milliseconds limit, int stop) {
    ChildProcess child = TRY(ChildProcess::start(program));
    const auto deadline = steady_clock::now() + limit;
    std::array<pollfd, 3> ends{pollfd{child.output(), POLLIN, 0}, pollfd{child.errors(), POLLIN, 0},
                               pollfd{stop, POLLIN, 0}};
    std::array<std::string, 2> texts;
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
        if (left.count() <= 0) {
            return hv::Err{Failure{program.arguments.front() + " takes too long"}};
        }
        ::poll(ends.data(), ends.size(), static_cast<int>(left.count()));
        if (ends[2].revents != 0) {
            return hv::Err{Failure{program.arguments.front() + " is interrupted"}};
        }
        for (size_t i = 0; i < texts.size(); ++i) {
            if (ends[i].fd >= 0 && ends[i].revents != 0 && !read_some(ends[i].fd, texts[i])) {
                ends[i].fd = -1;  // poll ignores it from now on
            }
        }
    }
    const int status = child.wait(limit);
    return FinishedProgram{.status = status, .text = texts[0] + texts[1]};
}

}  // namespace images
