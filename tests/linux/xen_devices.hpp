// SPDX-License-Identifier: Apache-2.0
// What the parts of the program xen_devices share: Linux's devices for user space under /dev/xen.
// Each part uses one device or two, checks every answer, and ends the program with a verdict at the
// first that is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

// They lean on one another without saying so.
// clang-format off
#include <linux/ioctl.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>
// clang-format on

namespace xen_devices {

constexpr size_t page = 4096;
constexpr unsigned nobody = 777;  // a domain id that no domain has

[[noreturn]] void fail(const char* what);
void require(bool condition, const char* what);

class Device {
  public:
    explicit Device(const char* path);
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    // The answer of an ioctl that must succeed.
    int control(unsigned long request, void* argument, const char* what) const;
    // One that must fail in this way.
    void refuse(unsigned long request, void* argument, int why, const char* what) const;

  private:
    int fd_;
};

// Memory behind a device. Tells by is_there() whether the device gave it.
class Pages {
  public:
    Pages(const Device& device, uint64_t offset, size_t count, bool writable = true);
    ~Pages();
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    [[nodiscard]] bool is_there() const { return at_ != nullptr; }
    [[nodiscard]] volatile uint64_t& word(size_t number, size_t n = 0) const {
        return at_[(number * page + n * sizeof(uint64_t)) / sizeof(uint64_t)];
    }
    [[nodiscard]] void* address() const { return const_cast<uint64_t*>(at_); }
    void unmap();

  private:
    volatile uint64_t* at_;
    size_t bytes_;
};

// /dev/xen/evtchn, opened once for each use of it.
class Events {
  public:
    unsigned offer(unsigned domain);                // a port that the domain may bind to
    unsigned bind(unsigned domain, unsigned port);  // to one that it offers
    void notify(unsigned port);
    void unbind(unsigned port);
    // The next port that has an event, which stays masked; 0 if none has within the time.
    unsigned next(int milliseconds);
    void unmask(unsigned port);
    // The event is there, and another may come.
    void take(unsigned port, const char* what);
    [[nodiscard]] const Device& device() const { return device_; }

  private:
    Device device_{"/dev/xen/evtchn"};
};

// Pages of one's own that another domain may map: /dev/xen/gntalloc.
class Offer {
  public:
    Offer(const Device& gntalloc, unsigned domain, size_t count, bool writable = true);
    ~Offer();
    Offer(const Offer&) = delete;
    Offer& operator=(const Offer&) = delete;

    [[nodiscard]] const std::vector<uint32_t>& refs() const { return refs_; }
    [[nodiscard]] const Pages& pages() const { return *pages_; }

  private:
    const Device& device_;
    uint64_t index_ = 0;
    std::vector<uint32_t> refs_;
    std::optional<Pages> pages_;
};

// Pages of a domain that has granted them: /dev/xen/gntdev. All of them, or is_there() is false.
class Grants {
  public:
    Grants(const Device& gntdev, unsigned domain, const std::vector<uint32_t>& refs,
           bool writable = true);
    ~Grants();
    Grants(const Grants&) = delete;
    Grants& operator=(const Grants&) = delete;

    [[nodiscard]] const Pages& pages() const { return *pages_; }
    // When they are unmapped, the byte becomes 0 and the port is notified.
    void notify_at_end(size_t byte, unsigned port);

  private:
    const Device& device_;
    uint64_t index_ = 0;
    uint32_t count_;
    std::optional<Pages> pages_;
};

// The parts. `self` is the domain's own id, `peer` that of another one that runs.
void events(unsigned self);
void grants(unsigned self);
void copies(unsigned self);
void privcmd(unsigned peer);
void offer_to(unsigned peer);
void use_of(unsigned peer, unsigned port, const std::vector<uint32_t>& refs);

}  // namespace xen_devices
