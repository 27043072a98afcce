// SPDX-License-Identifier: Apache-2.0
// ChildProcess: one program that must not outlive us. It leads its own process group (Ctrl-C in the
// terminal reaches only us), dies with us even when we are killed, and is ended by the destructor.
#pragma once

#include "images/qemu/failure.hpp"
#include "images/qemu/unique_fd.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace images {

class ChildProcess {
  public:
    struct Program {
        std::vector<std::string> arguments;  // the first is the program, looked up in PATH
        std::filesystem::path directory;     // where it runs
        bool has_input = false;
    };
    // Its outputs are pipes that the caller must read. Its standard input is empty, or a socket.
    static Outcome<ChildProcess> start(const Program& program);

    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    // With Program::has_input.
    [[nodiscard]] int input() const { return input_.get(); }
    [[nodiscard]] int output() const { return output_.get(); }
    [[nodiscard]] int errors() const { return errors_.get(); }

    // The status as a shell gives it (128 + signal), or nothing when it still runs.
    std::optional<int> poll_status();
    // Waits for the end; kills the whole group when it takes longer.
    int wait(std::chrono::milliseconds limit);
    // SIGTERM to the group.
    void ask_to_end() const;
    void kill();

  private:
    ChildProcess(pid_t pid, UniqueFd input, UniqueFd output, UniqueFd errors);

    pid_t pid_ = -1;
    std::optional<int> status_;
    UniqueFd input_;
    UniqueFd output_;
    UniqueFd errors_;
};

struct FinishedProgram {
    int status;
    std::string text;  // standard output, then standard error
};

// Runs a short program to its end, at most `limit`, or until `stop` can be read.
Outcome<FinishedProgram> run_program(const ChildProcess::Program& program,
                                     std::chrono::milliseconds limit, int stop);

}  // namespace images
