// SPDX-License-Identifier: Apache-2.0
// What the benchmark programs of an initrd share: figures, each the median of several batches, as
// lines `bench: NAME NS` for the scripts of tests/bench. A step that does not work is `bench:
// FAILED`, and the end of the machine. Nothing else is checked.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

namespace figures {

constexpr size_t batches = 9;

inline void power_off() {
    std::fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    for (;;) {
        pause();
    }
}

inline void require(bool condition, const char* what) {
    if (!condition) {
        std::printf("bench: FAILED: %s (%s)\n", what, std::strerror(errno));
        power_off();
    }
}

inline uint64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1000000000 + static_cast<uint64_t>(t.tv_nsec);
}

// `batch` does `count` of something and returns the ns it took; the first time is to warm up.
template <class Batch>
void report(const char* name, uint64_t count, Batch batch) {
    batch();
    std::array<uint64_t, batches> ns{};
    for (uint64_t& n : ns) {
        n = batch() / count;
    }
    std::sort(ns.begin(), ns.end());
    std::printf("bench: %s %lu\n", name, ns[batches / 2]);
    std::fflush(stdout);
}

template <class Act>
uint64_t time_of(uint64_t count, Act act) {
    const uint64_t start = now_ns();
    for (uint64_t i = 0; i < count; ++i) {
        act();
    }
    return now_ns() - start;
}

// A byte to and fro between two processes; one way is a read and a write of a pipe, and on one CPU
// one switch.
inline void context_switch() {
    constexpr uint64_t round_trips = 500;
    std::array<int, 2> there{};
    std::array<int, 2> back{};
    require(pipe(there.data()) == 0 && pipe(back.data()) == 0, "pipe");
    const pid_t pid = fork();
    require(pid >= 0, "fork");
    char byte = 0;
    if (pid == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1) {
        }
        std::_Exit(0);
    }
    report("switch", 2 * round_trips, [&] {
        return time_of(round_trips, [&] {
            require(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "a pipe");
        });
    });
    for (const int fd : {there[0], there[1], back[0], back[1]}) {
        close(fd);
    }
    waitpid(pid, nullptr, 0);
}

}  // namespace figures
