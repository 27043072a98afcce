// SPDX-License-Identifier: Apache-2.0
// What a stock Linux is asked to do in a domain: a static program for its initrd that uses the
// kernel's entry paths over and over (processes, pipes, signals from exceptions, mmap and
// copy-on-write, threads with their own segment bases, floating point across context switches,
// timers), checks every result, and prints one verdict line. usage: workload SECONDS [PROGRAM32]
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
    std::printf("workload: FAILED: %s (errno %d)\n", what, errno);
    std::fflush(stdout);
    std::_Exit(1);
}
void require(bool condition, const char* what) {
    if (!condition) {
        fail(what);
    }
}

pid_t forked() {
    const pid_t pid = fork();
    require(pid >= 0, "fork");
    return pid;
}
int exit_status_of(pid_t pid) {
    int status = 0;
    require(waitpid(pid, &status, 0) == pid, "waitpid");
    return status;
}
void require_success(pid_t pid, const char* what) {
    const int status = exit_status_of(pid);
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, what);
}

void processes() {
    constexpr const char* self = "/proc/self/exe";
    for (int i = 0; i < 8; ++i) {
        const pid_t pid = forked();
        if (pid == 0) {
            execl(self, self, "--child", nullptr);
            std::_Exit(2);
        }
        require_success(pid, "a child that was executed");
    }
}

// Two processes pass a number to and fro; each adds one.
void pipes() {
    std::array<int, 2> there{};
    std::array<int, 2> back{};
    require(pipe(there.data()) == 0 && pipe(back.data()) == 0, "pipe");
    constexpr uint64_t rounds = 500;
    const pid_t pid = forked();
    if (pid == 0) {
        for (uint64_t i = 0; i < rounds; ++i) {
            uint64_t n = 0;
            if (read(there[0], &n, sizeof(n)) != sizeof(n)) {
                std::_Exit(1);
            }
            ++n;
            if (write(back[1], &n, sizeof(n)) != sizeof(n)) {
                std::_Exit(1);
            }
        }
        std::_Exit(0);
    }
    uint64_t n = 0;
    for (uint64_t i = 0; i < rounds; ++i) {
        require(write(there[1], &n, sizeof(n)) == sizeof(n), "write to a pipe");
        require(read(back[0], &n, sizeof(n)) == sizeof(n), "read from a pipe");
        ++n;
    }
    require(n == 2 * rounds, "what came back through the pipes");
    require_success(pid, "the process at the other end of the pipes");
    for (const int fd : {there[0], there[1], back[0], back[1]}) {
        close(fd);
    }
}

// --- Exceptions in user space become signals.
sigjmp_buf after_fault;
volatile sig_atomic_t caught = 0;
volatile uintptr_t fault_address = 0;

void on_fault(int signal, siginfo_t* info, void* /*context*/) {
    caught = signal;
    fault_address = reinterpret_cast<uintptr_t>(info->si_addr);
    siglongjmp(after_fault, 1);
}

template <class Act>
void expect_signal(int signal, const char* what, Act act) {
    caught = 0;
    if (sigsetjmp(after_fault, 1) == 0) {
        act();
    }
    require(caught == signal, what);
}

void exceptions() {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    for (const int signal : {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS}) {
        require(sigaction(signal, &action, nullptr) == 0, "sigaction");
    }
    expect_signal(SIGSEGV, "a page fault", [] { *reinterpret_cast<volatile int*>(0x1234) = 1; });
    require(fault_address == 0x1234, "the address of a page fault");
    expect_signal(SIGSEGV, "a read from the kernel",
                  [] { static_cast<void>(*reinterpret_cast<volatile int*>(0xffffffff81000000)); });
    expect_signal(SIGSEGV, "a read from the hypervisor",
                  [] { static_cast<void>(*reinterpret_cast<volatile int*>(0xffff820000000000)); });
    expect_signal(SIGSEGV, "a non-canonical address",
                  [] { static_cast<void>(*reinterpret_cast<volatile int*>(0x8000000000000000)); });
    expect_signal(SIGFPE, "a division by zero", [] {
        asm volatile("xor %%edx, %%edx\n xor %%ecx, %%ecx\n mov $1, %%eax\n div %%ecx"
                     :
                     :
                     : "eax", "ecx", "edx");
    });
    expect_signal(SIGILL, "an undefined instruction", [] { asm volatile("ud2"); });
    expect_signal(SIGTRAP, "a breakpoint", [] { asm volatile("int3"); });
    expect_signal(SIGSEGV, "a privileged instruction", [] { asm volatile("hlt"); });
    expect_signal(SIGSEGV, "a port", [] { asm volatile("in $0x80, %%al" : : : "eax"); });
    expect_signal(SIGSEGV, "int 0x20", [] { asm volatile("int $0x20"); });
    for (const int signal : {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS}) {
        std::signal(signal, SIG_DFL);
    }
}

// --- Memory
uint64_t sum_of(const uint64_t* words, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; ++i) {
        sum += words[i] * (i + 1);
    }
    return sum;
}

void memory() {
    constexpr size_t bytes = 2 << 20;
    constexpr size_t count = bytes / sizeof(uint64_t);
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(at != MAP_FAILED, "mmap");
    auto* words = static_cast<uint64_t*>(at);
    for (size_t i = 0; i < count; ++i) {
        require(words[i] == 0, "a fresh page is zero");
        words[i] = i * 0x9e3779b97f4a7c15;
    }
    const uint64_t before = sum_of(words, count);
    const pid_t pid = forked();
    if (pid == 0) {  // a copy, made by writing
        for (size_t i = 0; i < count; i += 512) {
            words[i] = ~words[i];
        }
        std::_Exit(sum_of(words, count) == before ? 1 : 0);
    }
    require_success(pid, "a child with its own copy");
    require(sum_of(words, count) == before, "memory after a child wrote to its copy");
    require(mprotect(at, bytes, PROT_READ) == 0, "mprotect");
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    require(sigaction(SIGSEGV, &action, nullptr) == 0, "sigaction");
    expect_signal(SIGSEGV, "a write to a read-only page",
                  [words] { *const_cast<volatile uint64_t*>(words) = 1; });
    std::signal(SIGSEGV, SIG_DFL);
    at = mremap(at, bytes, 2 * bytes, MREMAP_MAYMOVE);
    require(at != MAP_FAILED, "mremap");
    require(sum_of(static_cast<uint64_t*>(at), count) == before, "memory after it moved");
    require(munmap(at, 2 * bytes) == 0, "munmap");
}

// --- Threads, each with a GS base and a running sum in floating point.
double series(unsigned seed) {
    volatile double sum = 0;
    for (unsigned i = 1; i <= 4000; ++i) {
        sum = sum + std::sin(static_cast<double>(seed) * i) / i;
    }
    return sum;
}

void threads() {
    std::array<double, 4> expected{};
    for (unsigned i = 0; i < expected.size(); ++i) {
        expected[i] = series(i + 1);
    }
    std::atomic<unsigned> wrong{0};
    std::vector<std::thread> all;
    for (unsigned i = 0; i < expected.size(); ++i) {
        all.emplace_back([&, i] {
            uint64_t own = 0x1000 + i;
            syscall(SYS_arch_prctl, ARCH_SET_GS, &own);
            for (int round = 0; round < 3; ++round) {
                wrong += series(i + 1) != expected[i];
                std::this_thread::yield();
                uint64_t by_gs = 0;
                asm volatile("mov %%gs:0, %0" : "=r"(by_gs));
                wrong += by_gs != own;
            }
        });
    }
    for (std::thread& thread : all) {
        thread.join();
    }
    require(wrong == 0, "floating point and GS bases across threads");
}

// --- Timers
volatile sig_atomic_t ticks = 0;
void on_tick(int /*signal*/) {
    ticks = ticks + 1;
}

void timers() {
    ticks = 0;
    struct sigaction action {};
    action.sa_handler = on_tick;
    require(sigaction(SIGALRM, &action, nullptr) == 0, "sigaction");
    itimerval timer{};
    timer.it_interval.tv_usec = timer.it_value.tv_usec = 20000;
    const auto start = Clock::now();
    require(setitimer(ITIMER_REAL, &timer, nullptr) == 0, "setitimer");
    volatile double work = 1;
    while (ticks < 3) {
        work = std::sqrt(work + 2);
        require(Clock::now() - start < std::chrono::seconds{60}, "a timer that ticks");
    }
    timer = {};
    setitimer(ITIMER_REAL, &timer, nullptr);
    require(Clock::now() - start >= std::chrono::milliseconds{55}, "a timer that waits");
    const auto sleep_start = Clock::now();
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
    require(Clock::now() - sleep_start >= std::chrono::milliseconds{10}, "sleep");
}

void run_program32(const char* program) {
    const pid_t pid = forked();
    if (pid == 0) {
        execl(program, program, nullptr);
        std::_Exit(2);
    }
    const int status = exit_status_of(pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        std::printf("workload: the 32-bit program ended with status 0x%x\n", status);
        fail("the 32-bit program");
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "--child") == 0) {
        return series(3) == series(3) ? 0 : 1;
    }
    const auto seconds = std::chrono::seconds{argc > 1 ? std::atol(argv[1]) : 1};
    const auto end = Clock::now() + seconds;
    unsigned rounds = 0;
    do {
        processes();
        pipes();
        exceptions();
        memory();
        threads();
        timers();
        if (argc > 2) {
            run_program32(argv[2]);
        }
        ++rounds;
    } while (Clock::now() < end);
    std::printf("workload: ok after %u rounds\n", rounds);
    return 0;
}
