// SPDX-License-Identifier: Apache-2.0
// Linux's devices for programs of Xen, in a domain of a stock kernel: a static program for its
// initrd that uses event channels, grants and privcmd, and prints one verdict line.
//     xen_devices alone SELF PEER        with itself; PEER is a domain that it has no right to
//     xen_devices offer PEER             prints "offers PORT REF..." and waits for PEER
//     xen_devices use PEER PORT REF...   what PEER offers
#include "tests/linux/xen_devices.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace xen_devices {

void fail(const char* what) {
    std::printf("xen_devices: FAILED: %s (errno %d)\n", what, errno);
    std::fflush(stdout);
    std::_Exit(1);
}

void require(bool condition, const char* what) {
    if (!condition) {
        fail(what);
    }
}

Device::Device(const char* path) : fd_{open(path, O_RDWR | O_CLOEXEC)} {
    require(fd_ >= 0, path);
}

Device::~Device() {
    close(fd_);
}

int Device::control(unsigned long request, void* argument, const char* what) const {
    const int answer = ioctl(fd_, request, argument);
    require(answer >= 0, what);
    return answer;
}

void Device::refuse(unsigned long request, void* argument, int why, const char* what) const {
    errno = 0;
    const int answer = ioctl(fd_, request, argument);
    require(answer == -1 && errno == why, what);
}

Pages::Pages(const Device& device, uint64_t offset, size_t count, bool writable)
    : bytes_{count * page} {
    void* at = mmap(nullptr, bytes_, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                    device.fd(), static_cast<off_t>(offset));
    at_ = at == MAP_FAILED ? nullptr : static_cast<volatile uint64_t*>(at);
}

Pages::~Pages() {
    unmap();
}

void Pages::unmap() {
    if (at_ != nullptr) {
        require(munmap(address(), bytes_) == 0, "munmap");
        at_ = nullptr;
    }
}

}  // namespace xen_devices

namespace {

unsigned number(const char* text) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(text, &end, 10);
    xen_devices::require(*text != 0 && *end == 0, "usage: xen_devices alone|offer|use NUMBER...");
    return static_cast<unsigned>(value);
}

}  // namespace

int main(int argc, char** argv) {
    const char* what = argc > 2 ? argv[1] : "";
    std::vector<uint32_t> numbers;
    for (int n = 2; n < argc; ++n) {
        numbers.push_back(number(argv[n]));
    }
    if (std::strcmp(what, "alone") == 0 && numbers.size() == 2) {
        xen_devices::events(numbers[0]);
        xen_devices::grants(numbers[0]);
        xen_devices::copies(numbers[0]);
        xen_devices::privcmd(numbers[1]);
    } else if (std::strcmp(what, "offer") == 0 && numbers.size() == 1) {
        xen_devices::offer_to(numbers[0]);
    } else if (std::strcmp(what, "use") == 0 && numbers.size() > 2) {
        xen_devices::use_of(numbers[0], numbers[1], {numbers.begin() + 2, numbers.end()});
    } else {
        xen_devices::fail("usage: xen_devices alone|offer|use NUMBER...");
    }
    std::printf("xen_devices: %s: ok\n", what);
    return 0;
}
