// SPDX-License-Identifier: Apache-2.0
// What a stock Linux costs its programs: /init of an initrd, static, for tests/bench/pv_bench.py.
// Prints its figures and powers off. What needs Xen is left out on a bare machine.
#include "tests/linux/figures.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using figures::power_off;
using figures::report;
using figures::require;
using figures::time_of;

void system_call() {
    constexpr uint64_t count = 20000;
    report("syscall", count, [] { return time_of(count, [] { syscall(SYS_getppid); }); });
}

// First touches of anonymous memory, one 4 KiB page each.
void page_fault() {
    constexpr size_t pages = 1024;
    constexpr size_t page = 4096;
    report("fault", pages, [] {
        void* at =
            mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        require(at != MAP_FAILED && madvise(at, pages * page, MADV_NOHUGEPAGE) == 0, "mmap");
        auto* next = static_cast<volatile char*>(at);
        const uint64_t ns = time_of(pages, [&next] {
            *next = 1;
            next += page;
        });
        munmap(at, pages * page);
        return ns;
    });
}

void fork_exec() {
    constexpr uint64_t count = 8;
    constexpr const char* self = "/proc/self/exe";
    report("fork_exec", count, [] {
        return time_of(count, [] {
            const pid_t pid = fork();
            require(pid >= 0, "fork");
            if (pid == 0) {
                execl(self, self, "--child", nullptr);
                std::_Exit(1);
            }
            int status = 1;
            require(waitpid(pid, &status, 0) == pid && status == 0, "the child");
        });
    });
}

// --- What only a domain has. The numbers are Linux's (include/uapi/xen).
struct PrivcmdHypercall {
    uint64_t op;
    std::array<uint64_t, 5> arguments;
};
struct BindInterdomain {
    unsigned remote_domain;
    unsigned remote_port;
};
constexpr unsigned long privcmd_hypercall = _IOC(_IOC_NONE, 'P', 0, sizeof(PrivcmdHypercall));
constexpr unsigned long no_such_request = _IOC(_IOC_NONE, 'P', 99, 0);
constexpr unsigned long evtchn_bind_interdomain = _IOC(_IOC_NONE, 'E', 1, sizeof(BindInterdomain));
constexpr unsigned long evtchn_bind_unbound_port = _IOC(_IOC_NONE, 'E', 2, sizeof(unsigned));
constexpr unsigned long evtchn_notify = _IOC(_IOC_NONE, 'E', 4, sizeof(unsigned));
constexpr uint64_t hypercall_xen_version = 17;
constexpr unsigned domid_self = 0x7ff0;

void load_module(const char* path, const char* parameters) {
    const int fd = open(path, O_RDONLY);
    require(fd >= 0, path);
    require(syscall(SYS_finit_module, fd, parameters, 0) == 0, path);
    close(fd);
}

// An ioctl with the shortest hypercall in it, and an ioctl with none.
void hypercall() {
    constexpr uint64_t count = 1000;
    const int fd = open("/dev/xen/privcmd", O_RDWR);
    require(fd >= 0, "/dev/xen/privcmd");
    PrivcmdHypercall call{hypercall_xen_version, {}};
    require(ioctl(fd, privcmd_hypercall, &call) > 0, "xen_version");
    report("ioctl", count,
           [&] { return time_of(count, [fd] { ioctl(fd, no_such_request, nullptr); }); });
    report("ioctl_hypercall", count,
           [&] { return time_of(count, [&] { ioctl(fd, privcmd_hypercall, &call); }); });
    close(fd);
}

void pass_event(int fd, unsigned from, uint32_t to) {
    uint32_t port = 0;
    require(ioctl(fd, evtchn_notify, &from) == 0, "notify");
    require(read(fd, &port, sizeof(port)) == sizeof(port) && port == to, "an event's port");
    require(write(fd, &port, sizeof(port)) == sizeof(port), "unmask");
}

// An event to the other end of a channel of the domain with itself, and one back.
void event_round_trip() {
    constexpr uint64_t count = 200;
    const int fd = open("/dev/xen/evtchn", O_RDWR);
    require(fd >= 0, "/dev/xen/evtchn");
    unsigned remote = domid_self;
    const int one = ioctl(fd, evtchn_bind_unbound_port, &remote);
    require(one > 0, "a port");
    BindInterdomain bind{domid_self, static_cast<unsigned>(one)};
    const int other = ioctl(fd, evtchn_bind_interdomain, &bind);
    require(other > 0, "a channel");
    const auto a = static_cast<unsigned>(one);
    const auto b = static_cast<unsigned>(other);
    // Binding may raise an event, as Xen does: take it, so that each read waits for its own.
    uint32_t port = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (read(fd, &port, sizeof(port)) == sizeof(port)) {
        require(write(fd, &port, sizeof(port)) == sizeof(port), "unmask");
    }
    fcntl(fd, F_SETFL, 0);
    report("event", count, [=] {
        return time_of(count, [=] {
            pass_event(fd, a, b);
            pass_event(fd, b, a);
        });
    });
    close(fd);
}

void start() {
    std::puts("bench: in user space");  // pv_bench.py times this
    std::fflush(stdout);
    mount("none", "/proc", "proc", 0, nullptr);
    mount("none", "/sys", "sysfs", 0, nullptr);
    mount("none", "/dev", "devtmpfs", 0, nullptr);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    require(sched_setaffinity(0, sizeof(one), &one) == 0, "one CPU");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "--child") == 0) {
        return 0;
    }
    start();
    system_call();
    page_fault();
    fork_exec();
    figures::context_switch();
    if (access("/sys/hypervisor/type", F_OK) == 0) {
        load_module("/bin/xen-privcmd.ko", "unrestricted=1");  // or it asks Xenstore whom for
        load_module("/bin/xen-evtchn.ko", "");
        hypercall();
        event_round_trip();
    }
    std::puts("bench: end");
    power_off();
}
