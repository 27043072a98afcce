// SPDX-License-Identifier: Apache-2.0
// /dev/xen/privcmd: hypercalls of a program, and another domain's memory, which no domain here may
// map.
#include "tests/linux/xen_devices.hpp"

#include <array>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstring>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <xen/memory.h>
#include <xen/version.h>

namespace xen_devices {

namespace {

privcmd_hypercall_t call(uint64_t number, uint64_t a, const void* b) {
    return {.op = number, .arg = {a, reinterpret_cast<uintptr_t>(b), 0, 0, 0}};
}

void hypercalls(const Device& privcmd) {
    auto version = call(__HYPERVISOR_xen_version, XENVER_version, nullptr);
    require(privcmd.control(IOCTL_PRIVCMD_HYPERCALL, &version, "a hypercall") == (4 << 16 | 17),
            "the version is 4.17");

    alignas(page) static std::array<char, page> buffer;
    require(mlock(buffer.data(), buffer.size()) == 0, "mlock");
    buffer.fill('x');
    auto extra = call(__HYPERVISOR_xen_version, XENVER_extraversion, buffer.data());
    privcmd.control(IOCTL_PRIVCMD_HYPERCALL, &extra, "a hypercall with a buffer");
    require(std::memchr(buffer.data(), 0, XEN_EXTRAVERSION_LEN) != nullptr &&
                std::strstr(buffer.data(), "gantry") != nullptr,
            "what the hypervisor wrote");

    auto bad = call(__HYPERVISOR_xen_version, XENVER_extraversion, nullptr);
    privcmd.refuse(IOCTL_PRIVCMD_HYPERCALL, &bad, EFAULT, "a buffer that is not there");
    auto unknown = call(62, 0, nullptr);
    privcmd.refuse(IOCTL_PRIVCMD_HYPERCALL, &unknown, ENOSYS, "a hypercall that is not there");
    auto sysctl = call(__HYPERVISOR_sysctl, 0, buffer.data());
    privcmd.refuse(IOCTL_PRIVCMD_HYPERCALL, &sysctl, EPERM, "a hypercall of control domains");
    auto domctl = call(__HYPERVISOR_domctl, 0, nullptr);
    domctl.arg[0] = reinterpret_cast<uintptr_t>(buffer.data());
    privcmd.refuse(IOCTL_PRIVCMD_HYPERCALL, &domctl, EPERM, "another one");
}

sigjmp_buf after_fault;
void on_fault(int) {
    siglongjmp(after_fault, 1);
}

// Nothing of it can be read.
void is_not_there(const volatile uint64_t& word) {
    for (const int signal : {SIGBUS, SIGSEGV}) {
        require(std::signal(signal, on_fault) != SIG_ERR, "signal");
    }
    if (sigsetjmp(after_fault, 1) == 0) {
        const uint64_t value = word;
        static_cast<void>(value);
        fail("a page that may not be mapped can be read");
    }
    for (const int signal : {SIGBUS, SIGSEGV}) {
        std::signal(signal, SIG_DFL);
    }
}

void foreign_frames(const Device& privcmd, unsigned domain, int why) {
    constexpr size_t count = 3;
    const Pages place{privcmd, 0, count};
    require(place.is_there(), "room for frames of another domain");
    const std::array<xen_pfn_t, count> frames{1, 2, 0x100};
    std::array<int, count> errors{7, 7, 7};
    privcmd_mmapbatch_v2_t request{.num = count,
                                   .dom = static_cast<domid_t>(domain),
                                   .addr = reinterpret_cast<uintptr_t>(place.address()),
                                   .arr = frames.data(),
                                   .err = errors.data()};
    errno = 0;
    const int answer = ioctl(privcmd.fd(), IOCTL_PRIVCMD_MMAPBATCH_V2, &request);
    require(answer == 0, "frames of another domain are each refused");
    for (const int error : errors) {
        require(error == -why, "why a frame of another domain is refused");
    }
    is_not_there(place.word(0));
}

void resources(const Device& privcmd, unsigned domain, int why) {
    for (const unsigned type : {XENMEM_resource_grant_table, XENMEM_resource_ioreq_server}) {
        privcmd_mmap_resource_t size{};
        size.dom = static_cast<domid_t>(domain);
        size.type = type;
        privcmd.refuse(IOCTL_PRIVCMD_MMAP_RESOURCE, &size, why, "the size of a resource");

        const Pages place{privcmd, 0, 1};
        require(place.is_there(), "room for a resource");
        privcmd_mmap_resource_t frame = size;
        frame.num = 1;
        frame.addr = reinterpret_cast<uintptr_t>(place.address());
        privcmd.refuse(IOCTL_PRIVCMD_MMAP_RESOURCE, &frame, why, "a resource");
        is_not_there(place.word(0));
    }
}

}  // namespace

void privcmd(unsigned peer) {
    const Device device{"/dev/xen/privcmd"};
    hypercalls(device);
    foreign_frames(device, peer, EPERM);
    foreign_frames(device, nobody, ESRCH);
    resources(device, peer, EPERM);
    resources(device, nobody, ESRCH);
}

}  // namespace xen_devices
